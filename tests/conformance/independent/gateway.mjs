// A second, minimal gateway, written from docs/protocol.md, schemas/openapi.yaml and the data of schemas/ alone.
// In memory, on loopback. Without batches, snapshots, keys, moderation, exports, code lists, certificates and Kafka.
// Usage: node gateway.mjs CONFIG.json; prints its address. {"accounts": [{"platform", "secret", "scopes", "hosts"}]}
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { crc32 } from 'node:zlib'
import { nodeOf } from './digest.mjs'
import { decoded, language, near } from './request.mjs'
import { digestOf, equal, mac, opened } from './seal.mjs'
import { reasons } from './verdict.mjs'
import { at, catalogue, fault, isError, judge, LIMIT, matches, problem, schema, stored, today } from './verdict.mjs'

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const [DAY, VERSIONS] = [86_400_000, { schema_version: '1', rules_version: '1' }]
const accounts = new Map(config.accounts.map((one) => [one.platform, { hosts: [], territory: null, ...one }]))
const [offers, tokens, spent, failures] = [new Map(), new Map(), new Map(), new Map()]
const [receipts, log, bus] = [[], [], new EventEmitter().setMaxListeners(0)]
const now = () => new Date().toISOString(), minute = () => Math.floor(Date.now() / 60_000)
const reply = (status, body, headers = {}) => ({ status, body, headers })

// ---- What a reader sees ---------------------------------------------------------------------------------------------
function shareable(reader, { provenance, offer }) {
  const wish = offer.redistribution ?? {}
  const open = reader === 'national' ? wish.national !== false && !offer.restrictions?.schools : wish.regions !== false
  return open && !provenance.includes(reader)
}
function ofReader(reader, { publisher, offer }) {
  if (reader === publisher || !offer.redistribution?.mask_employer) return offer
  const { extensions, employer, location: { postal_code, city }, ...rest } = offer
  return { ...rest, employer: 'public' in employer ? { public: employer.public } : {}, location: { postal_code, city } }
}
function inPlace(reader, { department, region }, filter) {
  const own = accounts.get(reader).territory
  if (!filter.region && !filter.department) return filter.territory || !own || own.includes(department)
  return filter.region?.includes(region) || filter.department?.includes(department)
}
const inBox = ([west, south, east, north], { latitude, longitude }) =>
  latitude !== undefined && longitude >= west && longitude <= east && latitude >= south && latitude <= north
function passes(reader, state, filter) {
  const offer = ofReader(reader, state)
  const values = { level: offer.levels, week: offer.weeks, sector: [offer.sector], platform: [state.publisher] }
  const isOf = ([name, own]) => !filter[name] || own.some((one) => filter[name].includes(one))
  if (!inPlace(reader, state.territory, filter) || !Object.entries(values).every(isOf)) return false
  return !filter.bbox || inBox(filter.bbox.map(Number), offer.location)
}
function duplicates(reader, { publisher, offer }) {
  const isOne = (one) => one.live && one.publisher !== publisher && one.offer.apply_url === offer.apply_url
  const found = [...offers.values()].filter((one) => isOne(one) && (one.publisher === reader || shareable(reader, one)))
  return found.map((one) => one.id)
}
function view(reader, state, flags) {
  const { id, sequence, territory, provenance } = state, others = duplicates(reader, state)
  return { id, sequence, offer: ofReader(reader, state), territory, provenance, ...(others.length && flags(others)) }
}
const current = (reader, state) => view(reader, state, (possible_duplicates) => ({ possible_duplicates }))

// ---- Decisions ------------------------------------------------------------------------------------------------------
function change(id, fields) {
  const before = offers.get(id) ?? { id, publisher: id.split(':')[0], sequence: 0, shared: new Set() }
  const sequence = Math.max(before.sequence + 1, Date.now())
  const state = { ...before, ...fields, sequence, since: Date.now(), place: log.length }
  if (state.live) [...accounts.keys()].filter((one) => shareable(one, state)).forEach((one) => state.shared.add(one))
  offers.set(id, state)
  log.push(id)
  bus.emit('change')
  return state
}
function verdictOn(before, { revision, reason }, digest) {
  if (!before || revision > before.revision) return ['accepted']
  if (revision < before.revision) return ['stale', 'older-revision']
  if (digest !== before.digest) return ['rejected', 'revision-reused']
  return before.live || reason ? ['duplicate'] : ['stale', `withdrawn-${before.reason}`]
}
function decide(publisher, { id, problems = [], ...content }, digest) {
  const before = offers.get(id), { revision, reason = null } = content
  const [verdict, code] = verdictOn(before, content, digest)
  const accepted = verdict === 'accepted'
  const created = accepted && !reason && !before?.live && { created: true }
  const state = accepted ? change(id, { digest, ...content, reason, live: !reason }) : before
  const kept = !code ? {} : { current: { revision: before.revision, sequence: before.sequence } }
  const name = randomBytes(12).toString('base64url')
  const receipt = {
    receipt: `r${name}${mac('receipt', name)}`, id, publisher, verdict, revision, digest, sequence: state.sequence,
    ...created, ...VERSIONS, position: `submissions/${crc32(id) % 12}/${receipts.length}`, at: now(),
    problems: [...(code ? [at(code, '/revision')] : []), ...problems].map(stored), ...kept,
  }
  receipts.push(receipt)
  return receipt
}
function upkeep() {
  for (const { id, live, offer, since } of offers.values()) {
    if (live && offer.expires_on < today()) change(id, { live: false, reason: 'expired' })
    if (!live && Date.now() - since > 402 * DAY) offers.delete(id)
  }
}
setInterval(upkeep, 60_000).unref()

// ---- Operations -----------------------------------------------------------------------------------------------------
function credentials({ headers, form }) {
  const basic = /^Basic ([\w+/=]+)$/i.exec(headers.authorization ?? '')
  if (!basic) return [form.get('client_id'), form.get('client_secret')]
  const pair = Buffer.from(basic[1], 'base64').toString().split(/:(.*)/s)
  return pair.map((one) => decodeURIComponent(one.replace(/%(?![0-9a-f]{2})/gi, '%25')))
}
const NO_STORE = { 'Cache-Control': 'no-store' }
const REFUSED = { 401: { 'WWW-Authenticate': 'Basic realm="passerelle"' }, 429: { 'Retry-After': '60' } }
function token({ headers, body, remote }) {
  const refused = (status, error) => reply(status, { error }, { ...NO_STORE, ...REFUSED[status] })
  if (!/^application\/x-www-form-urlencoded\b/i.test(headers['content-type'])) return refused(415, 'invalid_request')
  const form = new URLSearchParams(body.toString()), [id, secret] = credentials({ headers, form })
  const account = accounts.get(id), grant = form.get('grant_type')
  if (!account || !equal(secret, account.secret)) {
    const attempt = `${id} ${remote} ${minute()}`
    failures.set(attempt, (failures.get(attempt) ?? 0) + 1)
    return failures.get(attempt) > 20 ? refused(429, 'slow_down') : refused(401, 'invalid_client')
  }
  if (grant !== 'client_credentials') return refused(400, grant ? 'unsupported_grant_type' : 'invalid_request')
  const scopes = form.get('scope')?.split(' ').filter(Boolean) ?? account.scopes
  if (!scopes.length || scopes.some((one) => !account.scopes.includes(one))) return refused(400, 'invalid_scope')
  const access_token = randomBytes(32).toString('base64url')
  tokens.set(access_token, { ...account, scopes, until: Date.now() + 3_600_000 })
  return reply(200, { access_token, token_type: 'Bearer', expires_in: 3600, scope: scopes.join(' ') }, NO_STORE)
}
const keySet = () => reply(200, { keys: [] }, { 'Content-Type': 'application/jwk-set+json' })
function authorizationServer({ headers }) {
  const issuer = `http://${headers.host}`
  return reply(200, {
    issuer, token_endpoint: `${issuer}/oauth/token`, jwks_uri: `${issuer}/oauth/jwks.json`,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  })
}
function discovery() {
  const named = ['offers', 'changes', 'receipts', 'platforms'].map((name) => [name, `/v1/${name}`])
  const endpoints = { token: '/oauth/token', digest: '/v1/changes/digest', ...Object.fromEntries(named) }
  const limits = { document_bytes: LIMIT, page_items: 1000 }
  return reply(200, { protocol_version: '1', ...VERSIONS, limits, endpoints })
}
function detailsOf(platform) {
  const of = (verdict) => receipts.filter((one) => one.publisher === platform && one.verdict === verdict)
  const unknown = ['last_error', 'delivered', 'pending', 'undelivered', 'inbox_lag', 'delivery_lag_seconds']
  const counts = { accepted: of('accepted').length, refused: of('rejected').length }
  const last_success = of('accepted').at(-1)?.at ?? null
  return { ...Object.fromEntries(unknown.map((name) => [name, null])), last_success, ...counts }
}
function platforms({ who }) {
  const isLive = (state) => state.live && (state.publisher === who.platform || shareable(who.platform, state))
  const listed = [...accounts.keys()].map((platform) => ({
    platform, region: null, name: platform, kind: platform === 'national' ? 'national' : 'other', connected: true,
    since: null, certified_until: null,
    live: [...offers.values()].filter((state) => state.publisher === platform && isLive(state)).length,
    ...((platform === who.platform || who.scopes.includes('operate')) && { details: detailsOf(platform) }),
  }))
  return reply(200, { at: now(), undecided: 0, platforms: listed })
}
function list({ who, query }) {
  const { filter, kept, close, limit } = opened('list', query), me = who.platform
  const isMine = (one) => (one.publisher === me ? filter.platform?.includes(me) : shareable(me, one))
  const isNext = (one) => one.live && one.id > (kept.after ?? '') && isMine(one) && passes(me, one, filter)
  const all = [...offers.values()].filter(isNext).sort((one, other) => (one.id < other.id ? -1 : 1))
  const page = all.slice(0, limit), more = all.length > limit
  const cursor = more ? close({ after: page.at(-1).id }) : null
  return reply(200, { offers: page.map((one) => current(me, one)), cursor, more })
}
function changeFor(me, state, filter, isLater) {
  const { id, sequence, live, reason, shared } = state
  const flags = (others) => ({ flags: others.map((one) => `possible-duplicate:${one}`) })
  if (live && shareable(me, state) && passes(me, state, filter)) return { op: 'upsert', ...view(me, state, flags) }
  return isLater && shared.has(me) && { op: 'removal', id, sequence, reason: live ? 'out-of-scope' : reason }
}
async function changes({ who, query }) {
  const me = who.platform, { filter, kept, close, limit, wait } = opened('changes', query), began = Date.now()
  const { reader = me, start = log.length, end = began } = kept
  let place = kept.place ?? 0
  if (reader !== me || place > log.length || began - end > 7 * DAY) throw fault('resync-required')
  const found = []
  for (;;) {
    for (; place < log.length && found.length < limit; place += 1) {
      const state = offers.get(log[place])
      if (!state || state.place !== place || state.publisher === me) continue
      const one = changeFor(me, state, filter, place >= start)
      if (one) found.push(one)
    }
    if (found.length || Date.now() >= began + wait) break
    await once(bus, 'change', { signal: AbortSignal.timeout(began + wait - Date.now()) }).catch(() => {})
  }
  const more = place < log.length
  const cursor = close({ reader: me, place, start, end: more ? end : Date.now() })
  return reply(200, { changes: found, cursor, fresh: now(), more })
}
async function digest({ who, query: { node = '', ...query } }) {
  const { body } = await changes({ who, query }), { filter } = opened('changes', query), me = who.platform
  const isHeld = (one) => one.publisher !== me && changeFor(me, one, filter, false)
  const held = [...offers.values()].filter(isHeld).map((one) => current(me, one))
  return reply(200, body.more ? body : { ...body, node, ...nodeOf(held, node) }, NO_STORE)
}
const RECEIPT = {
  verdict: (one, wanted) => wanted.includes(one.verdict), id: (one, wanted) => one.id === wanted,
  since: (one, wanted) => Date.parse(one.at) >= Date.parse(wanted), batch: () => false, snapshot: () => false,
  problems: (one, wanted) => (wanted === 'true') === one.problems.length > 0, order: () => true,
}
function listReceipts({ who, query }) {
  const me = who.platform, { filter, kept, close, limit } = opened(`receipts ${me}`, query)
  const newest = query.order === 'newest', wishes = Object.entries(filter)
  const isNext = (place) => kept.place === undefined || (newest ? place < kept.place : place > kept.place)
  const fits = (one) => one.publisher === me && wishes.every(([name, wanted]) => RECEIPT[name](one, wanted))
  const all = [...receipts.entries()].filter(([place, one]) => isNext(place) && fits(one))
  const page = (newest ? all.reverse() : all).slice(0, limit), more = all.length > limit
  const cursor = page.length ? close({ place: page.at(-1)[0] }) : query.cursor ?? null
  return reply(200, { receipts: page.map(([, one]) => one), cursor, more })
}
function readReceipt({ who, match }) {
  const one = receipts.find((each) => each.receipt === match && each.publisher === who.platform)
  if (one) return reply(200, one)
  throw fault('not-found')
}
function offerId(match) {
  const { pattern, not } = schema.$defs.offer_id, isShort = match.length <= 101
  if (isShort && matches(pattern, match) && !matches(not.pattern, match)) return match
  throw fault('id-in-path', { actual: match })
}
function ownId({ who, match }) {
  const id = offerId(match)
  if (id.split(':')[0] !== who.platform) throw fault('not-owner', {}, { status: 403 })
  return id
}
function read({ who, match }) {
  const state = offers.get(offerId(match)), own = state?.publisher === who.platform
  if (own && !state.live) {
    const { id, revision, sequence, reason } = state
    throw fault('offer-withdrawn', {}, { members: { marker: { id, revision, sequence, reason } } })
  }
  if (!state?.live || !(own || shareable(who.platform, state))) throw fault('offer-unknown', { actual: match })
  return reply(200, current(who.platform, state))
}
function decided(receipt, { headers, lang }) {
  const { id, verdict, created } = receipt, Location = `/v1/receipts/${receipt.receipt}`
  const wait = /(?:^|,)\s*wait\s*=\s*(\d{1,6})\s*(?:,|;|$)/i.exec(headers.prefer ?? '')
  if (!wait) return reply(202, { receipt: receipt.receipt, id, verdict: 'pending' }, { Location })
  const inWords = (one) => ({ ...one, message: one.message[lang], fix: one.fix[lang],
    ...(one.consequence && { consequence: one.consequence[lang] }) })
  const status = created ? 201 : ['stale', 'rejected'].includes(verdict) ? 409 : 200
  const applied = { 'Preference-Applied': `wait=${Math.min(30, Number(wait[1]))}` }
  return reply(status, { ...receipt, problems: receipt.problems.map(inWords) }, { ...applied, Location })
}
const IS_JSON = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i
function publish(ask) {
  const { who, query, headers, body, lang } = ask, id = ownId(ask)
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = headers
  if (!IS_JSON.test(type)) throw fault('media-type', { actual: type, expected: 'application/json' })
  if (encoding !== 'identity') throw fault('content-encoding', { actual: encoding, expected: 'identity' })
  const { problems, sent, offer, territory } = judge(body, today())
  const isOther = typeof sent?.id === 'string' && sent.id !== id && !problems.some((one) => one.pointer === '/id')
  if (isOther) problems.unshift(at('id-mismatch', '/id', { expected: id, actual: sent.id }))
  if (problems.some(isError)) throw fault('submission-refused', {}, { problems })
  const { revision, expires_on, apply_url } = offer, said = problems.map((one) => problem(one, lang))
  if (query.dry_run === 'true') return reply(200, { id, status: 'valid', problems: said, offer, territory, expires_on })
  const passed = [...accounts.values()].filter((one) => one.hosts.includes(new URL(apply_url).hostname))
  const provenance = [...new Set([who.platform, ...passed.map((one) => one.platform)])]
  return decided(decide(who.platform, { id, revision, offer, territory, provenance, problems }, digestOf(sent)), ask)
}
function withdraw(ask) {
  const id = ownId(ask), { revision, reason = 'cancelled', dry_run } = ask.query
  if (ask.body.length) throw fault('body-unexpected')
  const wrong = { parameter: 'revision', actual: revision, expected: '1 … 2^53 − 1' }
  if (revision === undefined) throw fault('parameter-missing', wrong)
  if (!Number.isSafeInteger(Number(revision))) throw fault('parameter-invalid', wrong)
  if (dry_run === 'true') return reply(200, { id, status: 'valid', problems: [] })
  const content = { id, revision: Number(revision), reason }
  return decided(decide(ask.who.platform, content, digestOf({ id, withdrawn: reason })), ask)
}

// ---- The contract: each operation with its scope and the form of its parameters -------------------------------------
const FLAG = /^(?:true|false|1|0)$/, ANY = /./
const PAGE = { cursor: ANY, limit: /^(?:[1-9]\d{0,2}|1000)$/ }
const FILTERS = {
  region: /^\w{1,3}$/, department: /^\w{2,3}$/, level: /^(?:quatrieme|troisieme|seconde)$/, week: /^20\d\d-W\d\d$/,
  sector: /^s[1-9]\d?$/, platform: /^[a-z][a-z0-9-]*$/, bbox: /^-?\d+(?:\.\d+)?$/, territory: /^all$/, ...PAGE,
}
const RECEIPTS = {
  verdict: /^(?:accepted|duplicate|stale|rejected)$/, problems: FLAG, id: /:/, batch: /^b[\w-]{16}$/,
  snapshot: /^[\w-]{17,}$/, since: /^20\d\d-.*(?:Z|[+-]\d\d:\d\d)$/, order: /^(?:oldest|newest)$/, ...PAGE,
}
const WITHDRAWAL = { dry_run: FLAG, revision: /^[1-9]\d{0,15}$/, reason: new RegExp(`^(?:${reasons.join('|')})$`) }
const LISTS = new Set(['region', 'department', 'level', 'week', 'sector', 'platform', 'bbox', 'verdict'])
const [PUBLISH, READ, NOBODY, ANYBODY] = ['offers:publish', 'offers:read', null, 'any']
const routes = [
  ['POST', /^\/oauth\/token$/, NOBODY, {}, token],
  ['GET', /^\/oauth\/jwks\.json$/, NOBODY, {}, keySet],
  ['GET', /^\/\.well-known\/oauth-authorization-server$/, NOBODY, {}, authorizationServer],
  ['GET', /^\/\.well-known\/passerelle$/, NOBODY, {}, discovery],
  ['GET', /^\/v1\/platforms$/, ANYBODY, {}, platforms],
  ['GET', /^\/v1\/offers$/, READ, FILTERS, list],
  ['GET', /^\/v1\/changes$/, READ, { ...FILTERS, wait: /^(?:[12]?\d(?:\.\d+)?|30(?:\.0+)?)$/ }, changes],
  ['GET', /^\/v1\/changes\/digest$/, READ, { ...FILTERS, node: /^(?:[0-9a-f]{2}){1,2}$/ }, digest],
  ['GET', /^\/v1\/receipts$/, PUBLISH, RECEIPTS, listReceipts],
  ['GET', /^\/v1\/receipts\/([^/]{1,64})$/, PUBLISH, {}, readReceipt],
  ['GET', /^\/v1\/offers\/([^/]+)$/, READ, {}, read],
  ['PUT', /^\/v1\/offers\/([^/]+)$/, PUBLISH, { dry_run: FLAG }, publish],
  ['DELETE', /^\/v1\/offers\/([^/]+)$/, PUBLISH, WITHDRAWAL, withdraw],
].map(([method, pattern, scope, known, act]) => ({ method, pattern, scope, known, act }))

// ---- The pipeline: route, caller, rate, parameters, operation; a fault anywhere becomes a problem document ----------
function routed(request) {
  if (!['1.0', '1.1'].includes(request.httpVersion)) throw fault('http-version')
  if (request.url.length > 8000) throw fault('target-too-long')
  const [path, search = ''] = request.url.replace(/^https?:\/\/[^/?]*(?=[/?]|$)/, '').split(/\?(.*)/s)
  const found = routes.filter((one) => one.pattern.test(path || '/'))
  const who = found.length && found.every((one) => one.scope === NOBODY) ? null : caller(request)
  if (!found.length) throw fault('not-found')
  const route = found.find((one) => one.method === request.method)
  const Allow = found.map((one) => one.method).join(', ')
  if (!route) throw fault('method-not-allowed', {}, { headers: { Allow } })
  return { who, search, route, match: route.pattern.exec(path)[1] }
}
function caller({ headers }) {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? ''), who = tokens.get(bearer?.[1])
  if (!bearer) throw fault('token-missing')
  if (!who || who.until < Date.now()) throw fault('token-invalid')
  return who
}
function admit(who, scope) {
  if (scope !== ANYBODY && !who.scopes.includes(scope)) throw fault('scope-missing', { expected: scope })
  const most = config.requests_a_minute ?? 100_000, slot = `${who.platform} ${minute()}`
  spent.set(slot, (spent.get(slot) ?? 0) + 1)
  if (spent.get(slot) > most) throw fault('rate-limited', { expected: most })
}
function parameters(search, known) {
  const query = {}
  for (const [name, text] of new URLSearchParams(search)) {
    const foreign = { parameter: name, actual: name, expected: near(name, known) }
    if (!Object.hasOwn(known, name)) throw fault('parameter-unknown', foreign)
    const isList = LISTS.has(name), items = isList ? text.split(',') : [text]
    const isWrong = items.some((one) => !known[name].test(one)) || (name === 'since' && Number.isNaN(Date.parse(text)))
    const wrong = { parameter: name, actual: text, expected: String(known[name]) }
    if (isWrong || (!isList && name in query)) throw fault('parameter-invalid', wrong)
    query[name] = isList ? [...(query[name] ?? []), ...items] : known[name] === FLAG ? `${/^[t1]/.test(text)}` : text
    if (isList && name !== 'bbox') query[name].sort()
  }
  const [west, south, east, north, ...rest] = query.bbox?.map(Number) ?? [0, 0, 0, 0]
  const wrong = { parameter: 'bbox', actual: query.bbox?.join(','), expected: 'west,south,east,north' }
  if (north === undefined || rest.length || west > east || south > north) throw fault('parameter-invalid', wrong)
  return query
}
async function answer(request, body, lang) {
  upkeep()
  const { who, search, route, match } = routed(request)
  if (route.scope) admit(who, route.scope)
  const ask = { who, match: decoded(match), query: parameters(search, route.known), body, lang }
  if (body === null) throw fault('json-too-large', { expected: LIMIT })
  return route.act({ ...ask, headers: request.headers, remote: request.socket.remoteAddress })
}
const CHALLENGE = {
  'token-missing': () => 'Bearer', 'token-invalid': () => 'Bearer error="invalid_token"',
  'scope-missing': ({ expected }) => `Bearer error="insufficient_scope", scope="${expected}"`,
}
function document(error, lang) {
  if (!catalogue[error.code]) console.error(error.stack.replace(/^.*\n/, ''))
  const { code, more, extra } = catalogue[error.code] ? error : fault('internal-error')
  const status = extra.status ?? catalogue[code].status, one = problem(at(code, '', more), lang)
  const problems = extra.problems?.map((each) => problem(each, lang)) ?? [one]
  const title = problem(at(code, ''), lang).message, type = `urn:fr:stages:problem:${code}`
  return reply(status, { type, title, status, detail: one.message, code, problems, ...extra.members }, {
    'Content-Type': 'application/problem+json', 'Content-Language': lang, ...extra.headers,
    ...(CHALLENGE[code] && { 'WWW-Authenticate': CHALLENGE[code](more) }),
    ...([429, 503].includes(status) && { 'Retry-After': '5' }),
  })
}
function send(response, { status, body, headers }) {
  const common = { 'Content-Type': 'application/json', 'X-Request-Id': randomBytes(8).toString('hex') }
  response.writeHead(status, { ...common, ...headers }).end(JSON.stringify(body))
}
async function handle(request, response) {
  const chunks = [], lang = language(request)
  let size = 0
  try {
    for await (const chunk of request) if ((size += chunk.length) <= LIMIT) chunks.push(chunk)
  } catch { return }
  const body = size > LIMIT ? null : Buffer.concat(chunks)
  send(response, await answer(request, body, lang).catch((error) => document(error, lang)))
}
const MALFORMED = { OVERFLOW: 'headers-too-large', VERSION: 'http-version', TIMEOUT: 'upload-too-slow' }
const server = createServer({ requestTimeout: 30_000, maxHeaderSize: 16_000 }, handle)
server.on('checkExpectation', (request, response) =>
  send(response, document(fault('expectation-failed'), language(request))))
server.on('clientError', (error, socket) => {
  const code = MALFORMED[error.code?.split('_').at(-1)] ?? 'http-malformed'
  const { status, body } = document(fault(code), 'fr'), text = JSON.stringify(body)
  const head = [`HTTP/1.1 ${status} Refused`, 'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(text)}`, 'Connection: close']
  if (socket.writable) socket.end([...head, '', text].join('\r\n'))
})
server.listen(config.port ?? 0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
