// An independent subscriber, written from docs/protocol.md, docs/subscriber.md and the kit's guide of subscribers.
// It follows the changes feed into SQLite through the command sqlite3: rows and cursor in one transaction.
// Usage: node subscriber.mjs CONFIG.json; prints the address of its test interface.
// {"gateway": URL, "client_id": id, "secret": text, "database": path}
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

const { gateway, client_id, secret, database } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const ANSWER_SECONDS = 30
const LONGEST_PAUSE_SECONDS = 5
const TRIES = 4
const EMPTY = `
  DROP TABLE IF EXISTS offer;
  DROP TABLE IF EXISTS state;
  CREATE TABLE offer (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, generation INTEGER NOT NULL, document TEXT);
  CREATE TABLE state (cursor TEXT, generation INTEGER NOT NULL);
  INSERT INTO state VALUES (NULL, 1);`
let token = null

function sql(script) {
  const done = spawnSync('sqlite3', ['-bail', '-batch', database], { input: script, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`sqlite3: ${done.error?.message ?? done.stderr}`)
  return done.stdout.trim()
}
const transaction = (statements) => sql(`BEGIN IMMEDIATE;\n${statements.join('\n')}\nCOMMIT;`)
const quoted = (text) => (text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`)

// JSON whose integers beyond 2^53 are kept as texts of digits: a sequence has no upper limit.
function parse(text) {
  const exact = text.replace(/((?<!\\)"sequence"\s*:\s*)(\d{16,})/g, '$1"$2"')
  return JSON.parse(exact)
}

async function get(path, options = {}) {
  const response = await fetch(gateway + path, { ...options, signal: AbortSignal.timeout(ANSWER_SECONDS * 1000) })
  return { status: response.status, headers: response.headers, body: parse(await response.text()) }
}

async function currentToken() {
  if (token === null) {
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret: secret })
    const answer = await get('/oauth/token', { method: 'POST', body })
    if (answer.status !== 200) throw new Error(`no token: ${answer.status}`)
    token = answer.body.access_token
  }
  return token
}

async function nextPage(cursor) {
  const query = new URLSearchParams({ territory: 'all', limit: '500', ...(cursor && { cursor }) })
  return get(`/v1/changes?${query}`, { headers: { Authorization: `Bearer ${await currentToken()}` } })
}

// FEED-002: only a sequence above the last one applied counts. A row of an earlier generation is always replaced.
function applied(change, generation) {
  const document = change.op === 'removal' ? null : JSON.stringify(change.offer)
  return `INSERT INTO offer VALUES (${quoted(change.id)}, ${change.sequence}, ${generation}, ${quoted(document)})
    ON CONFLICT (id) DO UPDATE SET
      sequence = excluded.sequence, generation = excluded.generation, document = excluded.document
    WHERE excluded.sequence > offer.sequence OR excluded.generation > offer.generation;`
}

function store(page, generation) {
  const changes = page.changes.filter((change) => ['upsert', 'removal'].includes(change.op) && change.sequence >= 0)
  transaction([
    ...changes.map((change) => applied(change, generation)),
    `UPDATE state SET cursor = ${quoted(page.cursor)};`,
    ...(page.more ? [] : [`DELETE FROM offer WHERE generation < ${generation};`]),
  ])
}

// The old copy stays until the new reading is complete; what that has not seen is then swept.
const startAgain = () => transaction(['UPDATE state SET cursor = NULL, generation = generation + 1;'])

function currentState() {
  const { cursor, generation } = JSON.parse(
    sql("SELECT json_object('cursor', cursor, 'generation', generation) FROM state;"),
  )
  return { cursor, generation }
}

// Read the feed to its end; after repeated failures stop, and go on from the same cursor next time.
async function follow() {
  for (let failures = 0; failures < TRIES;) {
    const { cursor, generation } = currentState()
    let answer
    try {
      answer = await nextPage(cursor)
    } catch (error) {
      console.error(`no answer: ${error.message}`)
      failures += 1
      continue
    }
    if (answer.status === 200) {
      store(answer.body, generation)
      failures = 0
      if (!answer.body.more) return
    } else {
      failures += 1
      if (answer.status === 401) token = null
      else if (answer.status === 410) startAgain()
      else await pause(1000 * Math.min(LONGEST_PAUSE_SECONDS, Number(answer.headers.get('retry-after') ?? 1)))
    }
  }
}

let busy = Promise.resolve()
const alone = (work) => (busy = busy.catch(() => {}).then(work))

async function answerTo(method, path) {
  if (method === 'POST' && path === '/reset') {
    sql(EMPTY)
    return '{}'
  }
  if (method === 'POST' && path === '/sync') {
    await follow()
    return '{}'
  }
  if (method === 'GET' && path === '/offers') {
    const rows = sql(`
      SELECT json_group_object(id, json_object('sequence', sequence, 'title', json_extract(document, '$.title')))
      FROM offer WHERE document IS NOT NULL;`)
    return `{"offers": ${rows}}`
  }
  return null
}

const server = createServer((request, response) => {
  request.resume()
  alone(() => answerTo(request.method, request.url)).then(
    (text) => response.writeHead(text ? 200 : 404, { 'Content-Type': 'application/json' }).end(text ?? '{}'),
    (error) => {
      console.error(error.message)
      response.writeHead(500, { 'Content-Type': 'application/json' }).end('{}')
    },
  )
})
sql(EMPTY)
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
