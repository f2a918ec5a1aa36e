'use strict'
const { platformProblem, thisMachine } = require('../../lib/platform.js')

const needs = { glibc: '2.35' }
const debian = { platform: 'linux', arch: 'x64', glibc: '2.36' }

describe('platformProblem', () => {
  test('is silent on a machine that can run the addon', () => {
    expect(platformProblem(debian, needs)).toBeUndefined()
    expect(platformProblem({ ...debian, glibc: '2.35' }, needs)).toBeUndefined()
    expect(platformProblem({ ...debian, glibc: '3.0' }, needs)).toBeUndefined()
  })

  test.each([
    ['another system', { ...debian, platform: 'darwin' }, needs, 'Linux only, and this is darwin'],
    ['another processor', { ...debian, arch: 'arm64' }, undefined, 'no binary for linux-arm64'],
    ['musl', { ...debian, glibc: undefined }, needs, 'another C library (musl'],
    ['an older glibc', { ...debian, glibc: '2.4' }, needs, 'needs glibc 2.35 or later, and this machine has 2.4'],
    ['an older glibc of one digit less', { ...debian, glibc: '2' }, needs, 'this machine has 2.']
  ])('names %s and how to build', (_, machine, needed, sentence) => {
    const problem = platformProblem(machine, needed)
    expect(problem).toBeInstanceOf(Error)
    expect(problem.code).toBe('ERR_FANWIRE_PLATFORM')
    expect(problem.message).toContain(sentence)
    expect(problem.message).toContain('npm run build')
    expect(problem.message).toContain('FANWIRE_ADDON')
  })
})

test('thisMachine knows the C library of the process', () => {
  expect(thisMachine()).toEqual({ platform: 'linux', arch: process.arch, glibc: expect.stringMatching(/^2\.\d+$/) })
})
