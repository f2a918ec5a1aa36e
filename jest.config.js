'use strict'

// js: the API over the built addon.  e2e: examples and browser.  package: the tarball, installed elsewhere.
const project = (displayName, folder) => ({
  displayName,
  rootDir: __dirname,
  testEnvironment: 'node',
  testMatch: [`<rootDir>/test/${folder}/**/*.test.js`, `<rootDir>/test/${folder}/**/*.test.mjs`],
  transform: {}
})

module.exports = {
  testTimeout: 20_000,
  maxWorkers: 2,
  projects: [project('js', 'js'), project('e2e', 'e2e'), project('package', 'package')]
}
