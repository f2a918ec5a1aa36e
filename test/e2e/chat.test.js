'use strict'

const { mkdtemp, rm } = require('node:fs/promises')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { chromium } = require('playwright-core')
const { ExampleProcess } = require('./example-process.js')

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'
]
const DESKTOP = { viewport: { width: 1280, height: 800 } }
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }

jest.setTimeout(60_000)

let chat
let browser
let userDataDir
let faults // what the pages complained about

beforeAll(async () => {
  userDataDir = await mkdtemp(path.join(tmpdir(), 'fanwire-e2e-'))
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: FLAGS,
    env: { ...process.env, HOME: userDataDir }
  })
})

afterAll(async () => {
  await browser?.close()
  if (userDataDir) await rm(userDataDir, { recursive: true, force: true })
})

beforeEach(async () => {
  faults = []
  chat = await ExampleProcess.start('chat')
})

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()))
  await chat.stop('SIGKILL')
})

// A browser of its own for each person: own storage, own window.
async function enter (name, { room = 'lobby', device = DESKTOP } = {}) {
  const context = await browser.newContext(device)
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  page.on('pageerror', (error) => faults.push(String(error)))
  await page.goto(`${chat.httpUrl}/#${room}`)
  await page.getByLabel('Your name').fill(name)
  await page.getByRole('button', { name: 'Enter the chat' }).click()
  await person(page, name).waitFor({ state: 'attached' })
  return page
}

const message = (page, text) => page.locator('.message:not(.waiting) .text', { hasText: text })
const person = (page, name) => page.locator('#people-list li', { hasText: name })
const state = (page, name) => page.locator(`#connection[data-state="${name}"]`)

async function say (page, text) {
  await page.getByLabel('Message', { exact: true }).fill(text)
  await page.getByLabel('Message', { exact: true }).press('Enter')
}

test('two people see each other and each other\'s messages', async () => {
  const ada = await enter('Ada')
  const grace = await enter('Grace')
  await person(ada, 'Grace').waitFor()
  await person(grace, 'Ada').waitFor()
  await ada.locator('.note', { hasText: 'Grace joined' }).waitFor()

  await say(ada, 'Good morning')
  await message(grace, 'Good morning').waitFor()
  await say(grace, 'Good morning to you')
  await message(ada, 'Good morning to you').waitFor()

  expect(await ada.locator('.message.own .text').allTextContents()).toEqual(['Good morning'])
  expect(await grace.locator('.message.own .text').allTextContents()).toEqual(['Good morning to you'])
  expect(await grace.locator('.message.other time').getAttribute('datetime')).toMatch(/^\d{4}-/)

  await grace.context().close()
  await ada.locator('.note', { hasText: 'Grace left' }).waitFor()
  await person(ada, 'Grace').waitFor({ state: 'detached' })
  expect(faults).toEqual([])
})

test('who comes later sees what was said before', async () => {
  const ada = await enter('Ada')
  await say(ada, 'Is anybody here?')
  await message(ada, 'Is anybody here?').waitFor()
  const grace = await enter('Grace')
  await message(grace, 'Is anybody here?').waitFor()
})

test('shows who is typing until the message is there', async () => {
  const ada = await enter('Ada')
  const grace = await enter('Grace')
  await person(ada, 'Grace').waitFor()

  await grace.getByLabel('Message', { exact: true }).pressSequentially('Hel')
  await ada.locator('#typing.on', { hasText: 'Grace is typing' }).waitFor()
  await grace.getByLabel('Message', { exact: true }).press('Enter')
  await message(ada, 'Hel').waitFor()
  await ada.locator('#typing:not(.on)').waitFor({ state: 'attached' })

  await grace.getByLabel('Message', { exact: true }).pressSequentially('x')
  await ada.locator('#typing.on').waitFor()
  await grace.getByLabel('Message', { exact: true }).press('Backspace')
  await ada.locator('#typing:not(.on)').waitFor({ state: 'attached' })
})

test('keeps rooms apart, and a room can be made, shared and left', async () => {
  const ada = await enter('Ada', { room: 'tea' })
  const grace = await enter('Grace', { room: 'coffee' })
  await say(ada, 'only tea here')
  await message(ada, 'only tea here').waitFor()
  expect(await person(ada, 'Grace').count()).toBe(0)

  await grace.getByLabel('New room').fill('Tea')
  await grace.getByLabel('New room').press('Enter')
  await message(grace, 'only tea here').waitFor()
  expect(new URL(grace.url()).hash).toBe('#tea')
  await person(ada, 'Grace').waitFor()
  await ada.getByRole('link', { name: /tea\s*, 2 people/ }).waitFor()

  await grace.getByRole('link', { name: /lobby/ }).click()
  await person(ada, 'Grace').waitFor({ state: 'detached' })
  await grace.getByRole('heading', { name: 'lobby' }).waitFor()
  await say(ada, 'Grace is gone')
  await message(ada, 'Grace is gone').waitFor()
  await say(grace, 'in the lobby')
  await message(grace, 'in the lobby').waitFor()
  expect(await grace.locator('.message .text').allTextContents()).toEqual(['in the lobby'])
  expect(await message(ada, 'in the lobby').count()).toBe(0)
})

test('text stays text', async () => {
  const html = '<img src=x onerror="document.title=\'broken\'"><script>document.title="broken"</script> & <b>bold</b>'
  const ada = await enter('<i>Ada</i>')
  const grace = await enter('Grace')
  await say(ada, html)
  await message(grace, '<b>bold</b>').waitFor()
  expect(await grace.locator('.message.other .text').textContent()).toBe(html)
  expect(await grace.locator('.message.other .author').textContent()).toBe('<i>Ada</i>')
  expect(await grace.locator('.message img, .message script, .message b, .message i').count()).toBe(0)
  expect(await grace.title()).not.toContain('broken')
})

test('a restart of the server: both come back, nothing said meanwhile is lost', async () => {
  const ada = await enter('Ada')
  const grace = await enter('Grace')
  await say(ada, 'before the restart')
  await message(grace, 'before the restart').waitFor()

  const { port } = chat
  expect(await chat.stop('SIGTERM')).toBe(0)
  await Promise.all([state(ada, 'reconnecting').waitFor(), state(grace, 'reconnecting').waitFor()])
  await ada.getByText('Connection lost.').waitFor()
  await say(ada, 'said while it was down')
  await ada.locator('.message.waiting', { hasText: 'said while it was down' }).waitFor()

  chat = await ExampleProcess.start('chat', { port })
  await Promise.all([state(ada, 'online').waitFor(), state(grace, 'online').waitFor()])
  await message(grace, 'said while it was down').waitFor()
  await say(grace, 'after the restart')
  await message(ada, 'after the restart').waitFor()

  const wanted = ['before the restart', 'said while it was down', 'after the restart']
  expect(await ada.locator('.message .text').allTextContents()).toEqual(wanted)
  expect(await grace.locator('.message .text').allTextContents()).toEqual(wanted)
  await person(ada, 'Grace').waitFor()
  await person(grace, 'Ada').waitFor()
})

test('a reload keeps the name and the room', async () => {
  const ada = await enter('Ada', { room: 'tea' })
  await say(ada, 'I am still here')
  await message(ada, 'I am still here').waitFor()
  await ada.reload()
  await ada.locator('.message.own .text', { hasText: 'I am still here' }).waitFor()
  await person(ada, 'Ada').waitFor()
  expect(await ada.locator('#entry').isVisible()).toBe(false)
})

test('a name the server refuses is asked for again', async () => {
  const context = await browser.newContext(DESKTOP)
  const page = await context.newPage()
  await page.goto(chat.httpUrl)
  await page.getByLabel('Your name').fill('\u202eadA')
  await page.getByRole('button', { name: 'Enter the chat' }).click()
  await page.getByRole('alert').filter({ hasText: 'visible characters' }).waitFor()
  await page.getByLabel('Your name').fill('Ada')
  await page.getByLabel('Your name').press('Enter')
  await person(page, 'Ada').waitFor()
})

test('marks unread messages in the title while the page is hidden', async () => {
  const ada = await enter('Ada')
  const grace = await enter('Grace')
  const setHidden = (isHidden) => grace.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => value })
    document.dispatchEvent(new Event('visibilitychange'))
  }, isHidden)

  await setHidden(true)
  await say(ada, 'one')
  await say(ada, 'two')
  await message(grace, 'two').waitFor()
  expect(await grace.title()).toMatch(/^\(2\) /)
  await setHidden(false)
  expect(await grace.title()).toMatch(/^#lobby/)
})

test('fits a phone: no sideways scroll, the drawers open and shut, chat works', async () => {
  const ada = await enter('Ada')
  const phone = await enter('Grace', { device: PHONE })
  await say(ada, `a long word: ${'x'.repeat(300)}`)
  await message(phone, 'a long word').waitFor()
  const widths = () => phone.evaluate(() => [document.documentElement.scrollWidth, document.getElementById('log-scroll').scrollWidth, innerWidth])
  expect(await widths()).toEqual([390, 390, 390])

  await phone.getByRole('button', { name: 'Rooms' }).tap()
  await phone.getByRole('link', { name: 'music' }).tap()
  await phone.getByRole('heading', { name: 'music' }).waitFor()
  await person(ada, 'Grace').waitFor({ state: 'detached' })

  await phone.getByRole('button', { name: 'Who is here' }).tap()
  await person(phone, 'Grace').waitFor()
  await phone.getByRole('button', { name: 'Close the list of people' }).tap()
  await phone.getByLabel('Message', { exact: true }).fill('from my phone')
  await phone.getByRole('button', { name: 'Send' }).tap()
  await message(phone, 'from my phone').waitFor()
  expect(await widths()).toEqual([390, 390, 390])
  expect(faults).toEqual([])
})

test('can be used with the keyboard alone', async () => {
  const ada = await enter('Ada')
  await ada.keyboard.type('no mouse needed')
  await ada.keyboard.press('Shift+Enter')
  await ada.keyboard.type('two lines')
  await ada.keyboard.press('Enter')
  await message(ada, 'two lines').waitFor()
  expect(await message(ada, 'two lines').textContent()).toBe('no mouse needed\ntwo lines')
  expect(await ada.locator('#log').getAttribute('role')).toBe('log')

  await ada.getByRole('link', { name: /ideas/ }).focus()
  await ada.keyboard.press('Enter')
  await ada.getByRole('heading', { name: 'ideas' }).waitFor()
  await person(ada, 'Ada').waitFor()
})
