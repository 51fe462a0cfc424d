// The verdict of the independent gateway: what a document breaks, and what is relayed of it. Written from
// docs/protocol.md (OFR, NAT) and the data of schemas/ alone.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { PHONE, redact, visible } from './personal.mjs'

const root = new URL('../../../schemas/', import.meta.url)
const load = (path) => JSON.parse(readFileSync(new URL(path, root), 'utf8'))
const catalogues = ['http', 'protocol', 'offer'].map((name) => load(`catalogue/${name}.json`))
export const catalogue = Object.assign({}, ...catalogues)
export const reasons = load('json/withdrawal.schema.json').properties.withdrawn.enum
const gone = catalogue['withdrawn-{withdrawn}'], { withdrawn: words } = load('reference.json').words
const worded = (one) => JSON.parse(JSON.stringify(gone), (at, is) => is.replace?.('{withdrawn}', words[one][at]) ?? is)
for (const one of reasons) catalogue[`withdrawn-${one}`] = worded(one)
export const schema = load('json/offer.schema.json')
const departments = new Map(load('codes/departments.json').items.map((one) => [one.code, one]))
const years = ['2025-2026', '2026-2027', '2027-2028'].map((year) => load(`calendar/${year}.json`))
const outlines = load('codes/outlines.json')
const naf = new Set(Object.keys(load('codes/naf.json').items))
const communes = new Map()
for (const line of gunzipSync(readFileSync(new URL('codes/communes.txt.gz', root))).toString().split('\n')) {
  const [code, ...names] = line.split('\t')
  if (/^\d{5}$/.test(code)) communes.set(code, names.map((one) => [one.slice(0, 5), one.slice(6)]))
}
const listed = new Set([...communes.values()].flat().map(([code]) => code))
export const LIMIT = 100_000

// ---- Problems -------------------------------------------------------------------------------------------------------
export const kind = (value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)
export const at = (code, pointer, more = {}) => ({ code, pointer, more })
export const fault = (code, more = {}, extra = {}) => Object.assign(new Error(code), { code, more, extra })
export const isError = (one) => catalogue[one.code].severity === 'error'
export function problem({ code, pointer, more: { actual, ...more } }, lang) {
  const { requirement, severity, message, consequence, fix } = catalogue[code]
  const text = (texts) => texts[lang].replace(/\{(\w+)\}/g, (_, key) => String({ actual, ...more }[key] ?? '…'))
  const short = kind(actual) === 'string' ? actual.slice(0, 80) : actual
  return {
    code, requirement, severity, pointer, message: text(message), fix: text(fix),
    ...(consequence && { consequence: text(consequence) }),
    ...(more.expected !== undefined && { expected: more.expected }),
    ...(['string', 'number', 'boolean'].includes(kind(short)) && { actual: short }),
  }
}
export function stored(one) {
  const [fr, en] = [problem(one, 'fr'), problem(one, 'en')]
  const both = ['message', 'fix', 'consequence'].filter((name) => fr[name])
  return { ...fr, ...Object.fromEntries(both.map((name) => [name, { fr: fr[name], en: en[name] }])) }
}

// ---- JSON that every reader reads alike -----------------------------------------------------------------------------
const escape = (key) => key.replaceAll('~', '~0').replaceAll('/', '~1')
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\],]/g
function* tokenProblems(text) {
  const stack = []
  for (const [token] of text.matchAll(TOKEN)) {
    const top = stack.at(-1), isText = token[0] === '"', isKey = isText && top?.keys && top.key === null
    if (isKey) top.key = JSON.parse(token)
    const pointer = stack.map((one) => `/${one.keys ? escape(one.key ?? '') : one.index}`).join('')
    if (isKey && top.keys.has(top.key)) yield at('json-duplicate-key', pointer, { actual: top.key })
    if (isKey) top.keys.add(top.key)
    if (isText && !JSON.parse(token).isWellFormed()) yield at('json-surrogate', pointer)
    const number = /^[-\d]/.test(token) ? Number(token) : 0, actual = token.slice(0, 80)
    const isBig = /^-?\d+$/.test(token) && !Number.isSafeInteger(number)
    if (!Number.isFinite(number)) yield at('json-number', pointer, { actual })
    else if (isBig) yield at('json-integer', pointer, { actual, expected: '±(2^53 − 1)' })
    if (token === '{') stack.push({ keys: new Set(), key: null })
    if (token === '[') stack.push({ index: 0 })
    if (stack.length > 16) throw at('json-too-deep', '', { expected: 16 })
    if (token === '}' || token === ']') stack.pop()
    if (token === ',') Object.assign(top, top.keys ? { key: null } : { index: top.index + 1 })
  }
}
const NO_NUMBER = /[[:,]\s*-?(?:NaN|Infinity)/
function attempt(act, code) {
  try { return act() } catch { throw at(code, '') }
}
function decoded(bytes) {
  if (!/[^ \t\r\n]/.test(bytes.toString('latin1'))) throw at('json-empty', '')
  if (bytes.length > LIMIT) throw at('json-too-large', '', { actual: bytes.length, expected: LIMIT })
  if (bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))) throw at('json-bom', '')
  return attempt(() => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), 'json-not-utf8')
}
const parsed = (text) => attempt(() => JSON.parse(text), NO_NUMBER.test(text) ? 'json-number' : 'json-syntax')

// ---- The schema: each keyword with the problem that it finds --------------------------------------------------------
const CODES = {
  offer_id: 'id-malformed', slug: 'extension-key', siret: 'siret-malformed', naf: 'naf-malformed', uai: 'uai-malformed',
  week: 'week-malformed', day: 'date-malformed', time: 'time-malformed', postal_code: 'postal-code-malformed',
  line_feed: 'text-line-feed', insee_commune: 'insee-malformed', web_address: 'url-malformed', control: 'text-control',
  foreign_id: 'foreign-id-malformed', rome_code: 'rome-malformed', rome_version: 'rome-malformed',
  not_blank: 'text-blank', markup: 'text-markup', private_host: 'url-private',
}
const [UNSIZED, NUMBERS] = [/^(?:web_address|foreign_id)$/, /^(?:siret|uai|postal_code|insee_commune)$/]
export const matches = (pattern, value) => new RegExp(pattern, 'u').test(value)
const named = (rule) => (rule.$ref ? rule.$ref.split('/').at(-1) : '')
const target = (rule) => rule.$ref ? rule.$ref.slice(2).split('/').reduce((node, key) => node[key], schema) : rule
const isWhole = (rule, value) => rule.type === 'integer' && Number.isInteger(value)

function wrongType(rule, value, name, add) {
  const type = kind(value)
  if (!rule.type || rule.type === type || isWhole(rule, value)) return false
  if (rule.type === 'integer' && type === 'number') add('not-whole', { actual: value })
  else if (rule.type === 'string' && type === 'number' && NUMBERS.test(name)) add('code-as-number', { actual: value })
  else add('wrong-type', { expected: rule.type, actual: type })
  return true
}
function forbidden(rule, value, name, add) {
  const inner = named(rule.not), { pattern } = target(rule.not)
  const isInner = ['line', 'text'].includes(name) || inner === 'private_host'
  const code = CODES[isInner ? inner : name] ?? CODES[inner] ?? 'invalid'
  const hit = pattern && new RegExp(pattern, 'u').exec(value)
  const place = hit && [...value.slice(0, hit.index)].length + 1
  if (hit) add(code, { actual: inner === 'private_host' ? value : undefined, sign: hit[0], place })
}
const BY_TYPE = {
  string(rule, value, name, add) {
    const length = [...value].length, code = UNSIZED.test(name) ? undefined : CODES[name]
    if (length > rule.maxLength) add(code ?? 'too-long', { actual: code ? value : length, expected: rule.maxLength })
    if (length < rule.minLength) add('text-blank')
    const keyword = 'pattern', allowed = rule.enum?.slice(0, 9).join(', ')
    if (rule.pattern && !matches(rule.pattern, value)) add(CODES[name] ?? 'invalid', { actual: value, keyword })
    if (rule.format === 'date' && isoDay(value) === null) add('date-malformed', { actual: value })
    if (rule.enum && !rule.enum.includes(value)) add('not-in-list', { actual: value, expected: rule.enum, allowed })
    if (rule.not) forbidden(rule, value, name, add)
  },
  number(rule, value, _name, add) {
    const { minimum: low, maximum: high } = rule
    if (value < low || value > high) add('out-of-range', { actual: value, low, high, expected: [low, high] })
  },
  array(rule, value, _name, add, inside) {
    const actual = value.length, texts = value.map((one) => JSON.stringify(one))
    if (actual > rule.maxItems) add('too-many', { actual, expected: rule.maxItems })
    if (actual < rule.minItems) add('too-few', { actual, expected: rule.minItems })
    value.forEach((item, index) => {
      if (rule.uniqueItems && texts.indexOf(texts[index]) < index) add('repeated-item', { actual: item }, `/${index}`)
      if (rule.items) inside(rule.items, item, `/${index}`)
    })
  },
  object(rule, value, _name, add, inside) {
    const keys = Object.keys(value), actual = keys.length
    const missing = (code, field) => keys.includes(field) || add(code, { field, expected: field }, `/${field}`)
    for (const field of rule.required ?? []) missing('field-missing', field)
    for (const [one, others] of Object.entries(rule.dependentRequired ?? {}))
      if (keys.includes(one)) others.forEach((field) => missing('coordinates-incomplete', field))
    if (actual < rule.minProperties) add('too-few', { actual, expected: rule.minProperties })
    if (actual > rule.maxProperties) add('too-many', { actual, expected: rule.maxProperties })
    for (const key of keys) {
      const known = rule.properties?.[key], step = `/${escape(key)}`
      if (rule.propertyNames) inside(rule.propertyNames, key, step)
      if (known) inside(known, value[key], step)
      else if (rule.additionalProperties === false) add('field-unknown', { actual: key }, step)
    }
  },
}
function follow(rule, value, pointer, name, found) {
  const isKnown = (code, where) => found.some((one) => one.code === code && one.pointer === where)
  const add = (code, more, step = '') => isKnown(code, pointer + step) || found.push(at(code, pointer + step, more))
  if (rule.$ref && !follow(target(rule), value, pointer, named(rule), found)) return false
  if (wrongType(rule, value, name, add)) return false
  const inside = (inner, item, step) => follow(inner, item, pointer + step, '', found)
  for (const each of rule.allOf ?? []) follow(each, value, pointer, name, found)
  BY_TYPE[kind(value)]?.(rule, value, name, add, inside)
  return true
}

// ---- Days, numbers, places ------------------------------------------------------------------------------------------
export const DAY = 86_400_000
const asDay = (time) => new Date(time).toISOString().slice(0, 10)
function isoDay(text) {
  const time = Date.parse(`${text}T00:00:00Z`)
  return Number.isNaN(time) || asDay(time) !== text ? null : time
}
const inParis = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Paris' })
export const today = () => inParis.format(new Date())
function monday(week) {
  const fourth = Date.UTC(Number(week.slice(0, 4)), 0, 4), weekday = (new Date(fourth).getUTCDay() + 6) % 7
  return fourth + ((Number(week.slice(6)) - 1) * 7 - weekday) * DAY
}
const yearOf = (week) => years.find(({ first, last }) => asDay(monday(week)) >= first && asDay(monday(week)) <= last)
const minutes = (time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
const sum = (numbers) => numbers.reduce((total, one) => total + one, 0)
const weighed = (digit, index) => (index % 2 ? (2 * digit) % 9 || digit : digit)
const luhn = (text) => sum([...text].map(Number).reverse().map(weighed)) % 10 === 0
const isPost = (siret) => siret.startsWith('356000000') && sum([...siret].map(Number)) % 5 === 0
function fold(text) {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, ' ')
  return plain.replace(/\bst(e?)\b/g, 'saint$1').trim()
}
const departmentOf = (insee) => (/^(?:97|98)/.test(insee) ? insee.slice(0, 3) : insee.slice(0, 2))
const ofPostcode = (code) => (/^20\d/.test(code) ? (code[2] < '2' ? '2A' : '2B') : departmentOf(code))
const inBox = (box, x, y) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]
const crosses = ([ax, ay], [bx, by], x, y) => ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax
function onMainland(x, y) {
  const ring = outlines.mainland
  return ring.filter((one, index) => crosses(one, ring[(index + 1) % ring.length], x, y)).length % 2 === 1
}
const inFrance = (x, y) => onMainland(x, y) || Object.values(outlines.boxes).some((box) => inBox(box, x, y))

// ---- The rules: each reads what is sound so far, reports problems, and may settle what is relayed -------------------
const TEXTS = ['title', 'description', 'employer/name', 'employer/description', 'location/street', 'location/city',
  'schedule/lunch_break'].map((path) => `/${path}`)
const valueAt = (node, steps) => steps.reduce((inner, step) => inner?.[step], node)
function texts({ sent, offer, bad, add }) {
  for (const pointer of TEXTS) {
    const steps = pointer.slice(1).split('/'), value = valueAt(sent, steps)
    if (typeof value !== 'string') continue
    const clear = visible(value), signs = [...clear]
    const place = [...value].findIndex((sign, index) => signs[index] !== sign)
    if (value !== value.normalize('NFC')) add('text-not-nfc', pointer)
    if (clear !== value && !bad(pointer)) {
      const code = [...value][place].codePointAt(0).toString(16).toUpperCase().padStart(4, '0')
      add('text-invisible', pointer, { sign: `U+${code}`, place: place + 1 })
    }
    if (redact(clear) !== clear) add('personal-data', pointer)
    valueAt(offer, steps.slice(0, -1))[steps.at(-1)] = redact(clear)
  }
}
function identifiers({ fine, add }) {
  const siret = fine('/employer/siret'), activity = fine('/employer/naf')
  const isSound = siret && ((luhn(siret) && luhn(siret.slice(0, 9))) || isPost(siret))
  if (siret && !isSound) add('siret-checksum', '/employer/siret', { actual: siret })
  if (activity && !naf.has(activity)) add('naf-unknown', '/employer/naf', { actual: activity })
  const ids = ['/id', '/source_id', '/national_remote_id'].filter((pointer) => fine(pointer)?.match(PHONE))
  for (const pointer of ids) add('contact-in-id', pointer)
}
function addresses({ fine, add }) {
  const sign = (_, hex) => String.fromCharCode(parseInt(hex, 16))
  for (const pointer of ['/apply_url', '/employer/website'].filter(fine)) {
    const plain = [1, 2, 3].reduce((text) => text.replace(/%([2-7][0-9a-f])/gi, sign), fine(pointer))
    if (/[\w.+-]+@[\w-]+\.[a-z]{2,}/i.test(plain)) add('email-in-url', pointer)
    else if (/(?:tel|mailto|sms|whatsapp|callto):/i.test(plain)) add('phone-link-in-url', pointer)
    else if (plain.match(PHONE)) add('phone-in-url', pointer)
  }
}
function inseeProblem(postal_code, insee, named, department) {
  const ofCode = ofPostcode(postal_code), actual = insee
  if (!departments.has(department)) return ['insee-foreign', 'insee_commune', { actual }]
  if (named.length && !named.some(([code]) => departmentOf(code) === department))
    return ['location-contradictory', 'insee_commune', { postal_code, actual }]
  if (!named.length && departments.has(ofCode) && ofCode !== department)
    return ['location-doubtful', 'insee_commune', { postal_code, actual }]
  if (!listed.has(insee)) return ['insee-unlisted', 'insee_commune', { actual }]
  if (named.length && !named.some(([code]) => code === insee))
    return ['postal-code-of-other-commune', 'postal_code', { actual: postal_code, commune: insee }]
  return null
}
function place(doc) {
  const { fine, add } = doc
  const [postal, insee, city] = ['postal_code', 'insee_commune', 'city'].map((name) => fine(`/location/${name}`))
  if (!postal) return
  const named = communes.get(postal) ?? [], possible = new Set(named.map(([code]) => departmentOf(code)))
  const town = city && fold(city.replace(/\s+cedex.*$/i, '')), guess = ofPostcode(postal)
  const byCity = named.find(([, name]) => town && fold(name) === town)
  if (insee) {
    doc.department = departmentOf(insee)
    const [code, name, more] = inseeProblem(postal, insee, named, doc.department) ?? []
    if (code) add(code, `/location/${name}`, more)
  } else if (byCity) doc.department = departmentOf(byCity[0])
  else if (possible.size === 1) {
    doc.department = [...possible][0]
    if (city) add('city-unlisted', '/location/city', { actual: city })
  } else if (departments.has(guess)) {
    doc.department = guess
    add('department-guessed', '/location/postal_code', { actual: postal, department: guess })
  } else add('postal-code-foreign', '/location/postal_code', { actual: postal })
}
function coordinates({ fine, add, department }) {
  const [y, x] = [fine('/location/latitude'), fine('/location/longitude')], box = outlines.boxes[department]
  if (x === undefined || y === undefined) return
  const say = (code, expected) => add(code, '/location/latitude', { actual: `${y}, ${x}`, expected })
  if (x === 0 && y === 0) say('coordinates-null-island')
  else if (!inFrance(x, y)) say(inFrance(y, x) ? 'coordinates-swapped' : 'coordinates-abroad')
  else if (department && !(box ? inBox(box, x, y) : onMainland(x, y))) say('coordinates-elsewhere', department)
}
function ends(doc) {
  const { sent, fine, add, on, weeks, levels, starts, pair } = doc, limit = isoDay(on) + 400 * DAY
  const expires = fine('/expires_on'), end = starts.length ? starts.at(-1) + 6 * DAY : null
  const [last, most] = [end && asDay(end), asDay(limit)]
  weeks.forEach((week, index) => {
    const year = week.slice(0, 4), isReal = !week.endsWith('W53') || asDay(monday(week) + 3 * DAY).startsWith(year)
    if (!isReal) add('week-unreal', `/weeks/${index}`, { actual: week, year })
  })
  const isCollege = levels.length && !levels.includes('seconde')
  if (fine('/stay_weeks') === 2 && weeks.length && !pair) add('stay-without-weeks', '/stay_weeks', { actual: 2 })
  if (sent.stay_weeks === 2 && isCollege) add('stay-too-long', '/stay_weeks', { actual: 2 })
  weeks.forEach((week, index) => {
    if (monday(week) + 6 * DAY > limit) add('week-too-far', `/weeks/${index}`, { actual: last, expected: most })
  })
  const day = expires && isoDay(expires), actual = expires
  const tell = (code, expected) => add(code, '/expires_on', { actual, expected })
  if (expires && day > limit) tell('expiry-too-far', most)
  else if (expires && end && day > end) tell('expiry-after-weeks', last)
  doc.last = expires ?? last
  if (doc.last && doc.last < on) add('expired', expires ? '/expires_on' : '/weeks', { actual: doc.last, expected: on })
}
function dayOf([day, { start, end, break_minutes: pause }], isLate, add) {
  const here = `/schedule/${day}`, span = minutes(end) - minutes(start), present = span - (pause ?? 0)
  if (span <= 0) return add('hours-reversed', `${here}/end`, { actual: end, expected: start })
  if (pause >= span) return add('break-too-long', `${here}/break_minutes`, { actual: pause, expected: span })
  const long = pause === undefined ? 'day-maybe-too-long' : 'day-too-long'
  if (present > 420) add(long, here, { actual: present, expected: 420 })
  if (pause < 30 && span > 270) add('break-too-short', `${here}/break_minutes`, { actual: pause, expected: 30 })
  const atNight = start < '06:00' || end > (isLate ? '22:00' : '20:00')
  if (atNight) add('hours-at-night', here, { actual: `${start}–${end}`, expected: '06:00' })
  return { present, isSure: pause !== undefined }
}
function schedule({ sent, fine, add, levels }) {
  if (kind(sent.schedule) !== 'object') return
  const sound = Object.entries(sent.schedule).filter(([day]) => fine(`/schedule/${day}`)?.start)
  const isLate = levels.join() === 'seconde'
  const days = sound.map((one) => dayOf(one, isLate, add)).filter((one) => one?.present !== undefined)
  const actual = sum(days.map((one) => one.present)), isCollege = levels.some((level) => level !== 'seconde')
  const isSure = days.length === sound.length && days.every((one) => one.isSure)
  const long = isSure ? 'week-too-long' : 'week-maybe-too-long'
  if (actual > 2100) add(long, '/schedule', { actual, expected: 2100 })
  else if (actual > 1800 && isCollege) add('college-week-too-long', '/schedule', { actual, expected: 1800 })
  if (sound.length > 5) add('too-many-days', '/schedule', { actual: sound.length, expected: 5 })
}
function restrictions({ fine, add, weeks, levels, bad }) {
  const isCollege = levels.some((level) => level !== 'seconde'), isLycee = levels.includes('seconde')
  if (fine('/restrictions/rep') === true && levels.length && !isCollege) add('rep-without-college', '/restrictions/rep')
  if (fine('/restrictions/qpv') === true && levels.length && !isLycee) add('qpv-without-seconde', '/restrictions/qpv')
  for (const [index, uai] of (fine('/restrictions/schools') ?? []).entries()) {
    const letter = 'ABCDEFGHJKLMNPRSTUVWXYZ'[Number(uai.slice(0, 7)) % 23]
    if (letter !== uai[7]) add('uai-checksum', `/restrictions/schools/${index}`, { actual: uai })
  }
  if (levels.join() !== 'seconde') return
  for (const [index, week] of weeks.entries()) {
    const year = yearOf(week), expected = year?.mandatory_weeks.weeks, isOutside = expected && !expected.includes(week)
    const more = { actual: week, year: year?.school_year, expected }
    if (isOutside && !bad(`/weeks/${index}`)) add('week-outside-period', `/weeks/${index}`, more)
  }
}
const SITE_POSTCODE = /^(?:0[1-9]|[1-8]\d|9[0-5]|97[1-46-8]|98[78])/
function national({ sent, fine, add, weeks, levels, pair }) {
  const { national: isWanted, regions, mask_employer } = fine('/redistribution') ?? {}
  if (isWanted === false && regions === false) add('redistribution-nobody', '/redistribution')
  if (isWanted === false) return
  const not = (why, pointer, more) => add(`not-deliverable:${why}`, pointer, more)
  const word = fine('/apply_url')?.match(/test|staging/i), postal = fine('/location/postal_code')
  const seconde = levels.includes('seconde') && weeks.length
  const expected = [...new Set(weeks.flatMap((week) => yearOf(week)?.mandatory_weeks.weeks ?? []))]
  if (word) not('apply-url-word', '/apply_url', { actual: word[0] })
  if (sent.restrictions?.schools) not('reserved-schools', '/restrictions/schools')
  if (seconde && expected.some((week) => !weeks.includes(week))) not('mandatory-weeks', '/weeks', { expected })
  else if (seconde && (fine('/stay_weeks') ?? (pair ? 2 : 1)) === 1) not('one-week-stay', '/stay_weeks')
  if (mask_employer === true) not('masked-employer', '/redistribution/mask_employer')
  if (postal && !SITE_POSTCODE.test(postal)) not('postal-code', '/location/postal_code', { actual: postal })
  else if (/^97[78]/.test(postal ?? '')) add('national-other-region', '/location/postal_code', { actual: postal })
  if (levels.includes('seconde') && levels.length > 1) add('levels-mixed', '/levels')
  const isUndescribed = kind(sent.employer) === 'object' && !('description' in sent.employer)
  if (isUndescribed) add('employer-undescribed', '/employer/description')
}
const inner = (node) => (['array', 'object'].includes(kind(node)) ? Object.values(node) : [])
const keysIn = (node) => (kind(node) === 'object' ? Object.keys(node).length : 0) + sum(inner(node).map(keysIn))
function extensions({ sent, offer, add }) {
  if (kind(sent.extensions) !== 'object') return
  const actual = Buffer.byteLength(JSON.stringify(sent.extensions))
  if (actual > 4000) add('extensions-too-large', '/extensions', { actual, expected: 4000 })
  if (keysIn(sent.extensions) > 200) add('extensions-too-many-keys', '/extensions', { expected: 200 })
  const clean = (node, pointer) => {
    const text = kind(node) === 'number' ? String(node) : kind(node) === 'string' ? visible(node) : null
    if (text !== null && redact(text) !== text) add('personal-data', pointer)
    if (text !== null) return kind(node) === 'string' ? redact(text) : redact(text) === text ? node : '[…]'
    if (kind(node) === 'array') return node.map((one, index) => clean(one, `${pointer}/${index}`))
    const entry = ([key, one]) => [clean(key, pointer), clean(one, `${pointer}/${escape(key)}`)]
    return kind(node) === 'object' ? Object.fromEntries(Object.entries(node).map(entry)) : node
  }
  offer.extensions = clean(sent.extensions, '/extensions')
}
const RULES = [texts, identifiers, addresses, place, coordinates, ends, schedule, restrictions, national, extensions]

// The problems of a document as sent on a day, and what readers get of it.
export function judge(bytes, on) {
  let sent
  const found = []
  try {
    const text = decoded(bytes)
    sent = parsed(text)
    found.push(...tokenProblems(text))
    if (kind(sent) !== 'object') throw at('json-not-object', '', { actual: kind(sent) })
  } catch (error) {
    if (!error.code) throw error
    return { problems: [error] }
  }
  follow(schema, sent, '', '', found)
  const meets = (one, pointer) => pointer === one || pointer.startsWith(`${one}/`) || one.startsWith(`${pointer}/`)
  const bad = (pointer) => found.some((one) => isError(one) && meets(one.pointer, pointer))
  const fine = (pointer) => (bad(pointer) ? undefined : valueAt(sent, pointer.slice(1).split('/')))
  const add = (code, pointer, more) => void found.push(at(code, pointer, more))
  const weeks = fine('/weeks') ?? [], levels = fine('/levels') ?? [], starts = weeks.map(monday).sort((a, b) => a - b)
  const pair = starts.some((start) => starts.includes(start + 7 * DAY)), offer = structuredClone(sent)
  const doc = { sent, offer, on, bad, fine, add, weeks, levels, starts, pair }
  for (const rule of RULES) rule(doc)
  offer.stay_weeks ??= levels.includes('seconde') && pair ? 2 : 1
  offer.expires_on ??= doc.last
  const problems = [...found.filter(isError), ...found.filter((one) => !isError(one))].slice(0, 100)
  const { region, academie } = departments.get(doc.department) ?? {}
  return { problems, sent, offer, territory: region && { department: doc.department, region, academie } }
}
