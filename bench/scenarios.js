'use strict'
// scenarios: what is measured, on which servers, in which unit, and what Fanwire is to reach.
//   load      arguments of fanwire-load; every number in them is the whole description of the load
//   figure    the number of a run that counts; `unit` names it
//   servers   those that are asked; all when left out
//   serverCores  where a server runs if not on the first core alone
//   environment  of the server (see peers/peer.js)
//   fullOnly  left out of a quick run, unless it is asked for by name
//   fresh     a new server process each round, for what a process only does once
//   quickRounds  rounds of a quick run, where they are fewer
//   quick, full  what differs between a quick run and a whole one
//   targets   Fanwire's figure against another server's, or as it is: { against, atMost }
const NODE_SERVERS = ['uws', 'fanwire', 'ws']

const cpuPerMessage = report => report.serverCpuUsPerMessage
const p99Ms = report => report.p99Us / 1e3
const blocked = { BLOCK_MS: '50', BLOCK_EVERY: '100' }

const scenarios = [
  {
    name: 'fanout1000',
    title: 'fan-out to 1,000, 128 B, 1 publisher',
    unit: 'CPU µs per delivery',
    load: 'fanout --path /room --clients 1000 --publishers 1 --bytes 128',
    figure: cpuPerMessage,
    targets: [{ against: 'uws', atMost: 1.08 }, { against: 'limit', atMost: 1.12 }]
  },
  {
    name: 'fanout1000x10',
    title: 'fan-out to 1,000, 128 B, 10 publishers at once',
    unit: 'CPU µs per delivery',
    load: 'fanout --path /room --clients 1000 --publishers 10 --bytes 128',
    figure: cpuPerMessage,
    targets: [{ against: 'uws', atMost: 0.7 }, { against: 'ws', atMost: 0.1 }]
  },
  {
    name: 'fanout1000x10-spread',
    title: 'the same, publishers spread among the members',
    unit: 'CPU µs per delivery',
    load: 'fanout --path /room --clients 1000 --publishers 10 --bytes 128 --spread',
    figure: cpuPerMessage,
    fullOnly: true,
    targets: []
  },
  {
    name: 'echo64x1',
    title: 'echo, 100 clients, 64 B, 1 outstanding',
    unit: 'CPU µs per message',
    load: 'echo --path /echo --clients 100 --bytes 64 --outstanding 1',
    figure: cpuPerMessage,
    targets: [{ against: 'uws', atMost: 1.08 }]
  },
  {
    name: 'echo64x16',
    title: 'echo, 100 clients, 64 B, 16 outstanding',
    unit: 'CPU µs per message',
    load: 'echo --path /echo --clients 100 --bytes 64 --outstanding 16',
    figure: cpuPerMessage,
    targets: [{ against: 'uws', atMost: 0.8 }]
  },
  {
    name: 'echo16k',
    title: 'echo, 100 clients, 16 KiB, 1 outstanding',
    unit: 'CPU µs per message',
    load: 'echo --path /echo --clients 100 --bytes 16384 --outstanding 1',
    figure: cpuPerMessage,
    targets: [{ against: 'uws', atMost: 1.4 }]
  },
  {
    name: 'ping',
    title: 'ping → pong, 100 clients',
    unit: 'CPU µs per ping',
    load: 'ping --path /echo --clients 100',
    figure: cpuPerMessage,
    targets: [{ against: 'uws', atMost: 1.15 }]
  },
  {
    name: 'handshake',
    title: 'handshake, connections kept',
    unit: 'CPU µs per connection',
    load: 'handshake --path /echo',
    quick: '--count 5000',
    full: '--count 10000',
    figure: cpuPerMessage,
    targets: [{ against: 'uws', atMost: 1.2 }]
  },
  {
    name: 'churn',
    title: 'connect, one echo, Close handshake',
    unit: 'CPU µs per connection',
    load: 'churn --path /echo --sources 16',
    figure: cpuPerMessage,
    targets: [{ against: 'uws', atMost: 1.25 }]
  },
  {
    name: 'idle',
    title: 'idle, 10,000 connections',
    unit: 'RSS KiB per connection',
    load: 'idle --path /echo --clients 10000 --hold-ms 500',
    figure: report => report.kibPerConnection,
    fresh: true,
    quickRounds: 1,
    targets: [{ atMost: 1.5 }]
  },
  {
    name: 'pong-blocked',
    title: 'pong while JavaScript is blocked 50 of every 100 ms',
    unit: 'p99 ms',
    load: 'ping --path /echo --clients 100 --rate 100',
    figure: p99Ms,
    servers: NODE_SERVERS,
    environment: blocked,
    quickRounds: 2,
    targets: [{ atMost: 3 }]
  },
  {
    name: 'live-blocked',
    title: 'delivery in a `publishTo` room of 100 while JavaScript is blocked 50 of every 100 ms',
    unit: 'p99 ms',
    load: 'fanout --path /live --clients 100 --publishers 1 --bytes 128 --rate 100',
    figure: p99Ms,
    servers: NODE_SERVERS,
    environment: blocked,
    quickRounds: 2,
    targets: [{ atMost: 5 }]
  },
  {
    name: 'publish-cpu',
    title: 'the server itself publishes 128 B to 1,000, once in each turn of its loop',
    unit: 'CPU µs of the JavaScript thread per publish',
    load: 'watch --path /room --clients 1000 --bytes 128',
    publish: { quick: 220, full: 420, bytes: 128, pauseMs: 0 },
    figure: report => report.jsCpuUsPerPublish,
    servers: NODE_SERVERS,
    serverCores: '0,1',
    targets: [{ atMost: 3 }]
  },
  {
    name: 'publish-cpu-cold',
    title: 'the same, each after a pause of 10 ms, when no cache knows the code any more',
    unit: 'CPU µs of the JavaScript thread per publish',
    load: 'watch --path /room --clients 1000 --bytes 128',
    publish: { quick: 70, full: 220, bytes: 128, pauseMs: 10 },
    figure: report => report.jsCpuUsPerPublish,
    servers: NODE_SERVERS,
    serverCores: '0,1',
    fullOnly: true,
    targets: []
  }
]

module.exports = { scenarios }
