// Digests of documents, and cursors that nobody else can make. Written from docs/protocol.md (REV, FEED) alone.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { fault, kind } from './verdict.mjs'

const hash = (text) => createHash('sha256').update(String(text))
export function canonical(node) {
  if (kind(node) === 'array') return `[${node.map(canonical)}]`
  if (kind(node) !== 'object') return JSON.stringify(node)
  return `{${Object.keys(node).sort().map((key) => `${JSON.stringify(key)}:${canonical(node[key])}`)}}`
}
export const digestOf = ({ revision, ...content }) => hash(canonical(content)).digest('hex')
const key = randomBytes(32)
export const mac = (purpose, text) =>
  createHmac('sha256', key).update(`${purpose} ${text}`).digest().subarray(0, 18).toString('base64url')
export const equal = (one, other) => timingSafeEqual(hash(one).digest(), hash(other).digest())

// A query of a list: its filter, its limits, and the content of its cursor, which is bound to the list and the filter.
export function opened(list, { cursor, limit = 100, wait = 0, ...filter }) {
  const asked = canonical(filter)
  const [text, seal] = cursor?.split('.') ?? []
  if (cursor && !equal(mac(list, text), seal)) throw fault('cursor-forged')
  const kept = cursor ? JSON.parse(Buffer.from(text, 'base64url')) : {}
  if (cursor && kept.asked !== asked) throw fault('cursor-filter')
  const close = (content) => {
    const sealed = Buffer.from(JSON.stringify({ ...content, asked })).toString('base64url')
    return `${sealed}.${mac(list, sealed)}`
  }
  return { filter, kept, close, limit: Number(limit), wait: Number(wait) * 1000 }
}
