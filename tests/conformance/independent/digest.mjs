// The tree of digests over what a reader holds. Written from docs/protocol.md (DIG) alone.
import { createHash } from 'node:crypto'
import { canonical } from './seal.mjs'

const digest = (text) => createHash('sha256').update(text).digest('hex')
const leafOf = ({ id }) => digest(id).slice(0, 4)
const EMPTY = [digest(digest('').repeat(256)), digest('')]

export function nodeOf(held, path) {
  const below = held.filter((one) => leafOf(one).startsWith(path))
  if (path.length === 4) {
    const items = below.map(({ id, sequence, offer }) => ({ id, sequence, digest: digest(canonical(offer)) }))
    items.sort((one, other) => (one.id < other.id ? -1 : 1))
    return { digest: digest(items.map((one) => `${one.id} ${one.sequence} ${one.digest}\n`).join('')), items }
  }
  const known = new Set(below.map((one) => leafOf(one).slice(0, path.length + 2)))
  const paths = Array.from({ length: 256 }, (_, number) => path + number.toString(16).padStart(2, '0'))
  const children = paths.map((one) => (known.has(one) ? nodeOf(below, one).digest : EMPTY[path.length / 2]))
  return { digest: digest(children.join('')), children }
}
