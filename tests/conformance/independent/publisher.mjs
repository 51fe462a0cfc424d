// An independent publisher, written from docs/protocol.md, docs/publisher.md and docs/conformance/publisher.md alone.
// Usage: node publisher.mjs CONFIG.json; prints the address of its test interface.
// {"gateway": URL, "platform": slug, "client_id": id, "secret": text}
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

const { gateway, platform, client_id, secret } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const ANSWER_SECONDS = 30
const PAUSE_SECONDS = 0.2
const run = Date.now().toString(36)
const offers = new Map()
let token = null

async function currentToken() {
  while (token === null) {
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret: secret })
    const answer = await send('/oauth/token', { method: 'POST', body: form })
    if (answer?.status === 200) token = answer.body.access_token
    else await pause(1000 * waitingTime(answer))
  }
  return token
}

// The answer with its content read to the end; null where none came: the outcome is unknown.
async function send(path, options) {
  try {
    const response = await fetch(gateway + path, { ...options, signal: AbortSignal.timeout(ANSWER_SECONDS * 1000) })
    const text = await response.text()
    const json = /\bjson\b/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text }
  } catch {
    return null
  }
}

function waitingTime(answer) {
  const header = answer?.headers.get('retry-after')
  if (!header) return PAUSE_SECONDS
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000
  return Math.max(PAUSE_SECONDS, seconds || 0)
}

// The Monday of a week from today, as an ISO week.
function weekAhead(weeks) {
  const day = new Date(Date.now() + weeks * 7 * 86_400_000)
  const thursday = new Date(day.getTime() + (4 - (day.getUTCDay() || 7)) * 86_400_000)
  const number = Math.ceil(((thursday - Date.UTC(thursday.getUTCFullYear(), 0, 1)) / 86_400_000 + 1) / 7)
  return `${thursday.getUTCFullYear()}-W${String(number).padStart(2, '0')}`
}

function newOffer(key) {
  const local = `${key.replace(/[^A-Za-z0-9._~-]/g, '-').slice(0, 40)}-${run}`
  return {
    id: `${platform}:${local}`,
    revision: 0,
    edition: 0,
    weeks: [weekAhead(10), weekAhead(11)],
    address: `https://stages.example.fr/offres/${local}`,
    queue: [],
    sending: false,
  }
}

function documentOf(offer) {
  return {
    id: offer.id,
    revision: offer.revision,
    title: `Découverte d'un atelier de reliure, édition ${offer.edition}`,
    description: 'Observer la couture des cahiers, la presse et la dorure.',
    employer: { name: 'Atelier du Relieur', description: 'Atelier de trois personnes.' },
    location: { postal_code: '35000', city: 'Rennes' },
    levels: ['troisieme'],
    weeks: offer.weeks,
    sector: 's5',
    seats: 2,
    apply_url: offer.address,
  }
}

const higherRevision = (offer, known = 0) => Math.max(offer.revision, known) + 1

// A revision grows with each change; the document is fixed here, so that sending again changes nothing.
function enqueue(offer, reason) {
  offer.revision = Math.max(higherRevision(offer), Date.now())
  offer.queue.push({ revision: offer.revision, ...(reason ? { reason } : { document: documentOf(offer) }) })
  if (!offer.sending) work(offer)
}

async function work(offer) {
  offer.sending = true
  while (offer.queue.length) {
    if (await deliver(offer, offer.queue[0])) offer.queue.shift()
  }
  offer.sending = false
}

// Whether the submission is decided or durable, or refused for a reason that sending again does not cure.
async function deliver(offer, submission) {
  const headers = { Authorization: `Bearer ${await currentToken()}`, Prefer: 'wait=10' }
  const path = `/v1/offers/${offer.id}`
  const answer = submission.reason
    ? await send(`${path}?revision=${submission.revision}&reason=${submission.reason}`, { method: 'DELETE', headers })
    : await send(path, {
      method: 'PUT',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify(submission.document),
    })
  const status = answer?.status ?? 0
  if ([200, 201, 202].includes(status)) return true
  if (status === 401) {
    token = null
    return false
  }
  if (status === 409 && answer.body.current) {
    if (answer.body.current.revision > submission.revision || answer.body.verdict === 'rejected') {
      raise(offer, submission, answer.body.current.revision)
      return false
    }
    return true
  }
  if ([0, 408, 409, 425, 429].includes(status) || status >= 500) {
    await pause(1000 * waitingTime(answer))
    return false
  }
  console.error(`${status} ${answer.body?.code ?? ''}: ${offer.id} is given up`)
  return true
}

// The gateway knows a higher revision, or this one with other content.
function raise(offer, submission, known) {
  offer.revision = higherRevision(offer, known)
  submission.revision = offer.revision
  if (submission.document) submission.document.revision = offer.revision
}

function order(action, key) {
  if (action === 'reset') {
    return {}
  }
  const offer = offers.get(key) ?? newOffer(key)
  if (action === 'create') {
    offers.set(key, offer)
    enqueue(offer)
    return { id: offer.id }
  }
  if (!offers.has(key)) return null
  if (action === 'change') {
    offer.edition += 1
    enqueue(offer)
  } else {
    enqueue(offer, 'filled')
  }
  return {}
}

const server = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const action = request.url.slice(1)
  const known = request.method === 'POST' && ['create', 'change', 'withdraw', 'reset'].includes(action)
  const result = known ? order(action, JSON.parse(Buffer.concat(chunks).toString() || '{}').offer) : null
  response.writeHead(result ? 200 : 404, { 'Content-Type': 'application/json' }).end(JSON.stringify(result ?? {}))
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
