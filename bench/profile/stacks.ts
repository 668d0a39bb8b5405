import { groupOf } from './groups.ts'

/** A function as V8's profilers name it. */
export interface CallFrame {
  readonly functionName: string
  readonly url: string
  /** From 0. */
  readonly lineNumber: number
}

/** A `.cpuprofile`: https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-Profile */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: CallFrame
    readonly children?: readonly number[]
  }[]
  readonly samples?: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas?: readonly number[]
}

/** https://chromedevtools.github.io/devtools-protocol/v8/HeapProfiler/#type-SamplingHeapProfile */
export interface AllocationProfile {
  readonly head: AllocationNode
}

interface AllocationNode {
  readonly callFrame: CallFrame
  /** Bytes. */
  readonly selfSize: number
  readonly children: readonly AllocationNode[]
}

/** A function where it was called, with all that it cost there: microseconds, or bytes. */
export interface Frame {
  readonly name: string
  /** File and line, or empty for what V8 itself does. */
  readonly place: string
  readonly group: string
  self: number
  /** With all that it called. */
  total: number
  readonly children: Map<string, Frame>
}

/** The profile as one tree, without the time in which nothing was to do. */
export function fromCpu({ nodes, samples = [], timeDeltas = [] }: CpuProfile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const self = new Map<number, number>()
  samples.forEach((id, at) => {
    self.set(id, (self.get(id) ?? 0) + (timeDeltas[at] ?? 0))
  })
  const root = emptyFrame('all')
  const add = (id: number, parent: Frame) => {
    const node = byId.get(id)
    if (!node || isNoWork(node.callFrame)) return
    const frame = childOf(parent, node.callFrame)
    frame.self += self.get(id) ?? 0
    for (const child of node.children ?? []) add(child, frame)
  }
  for (const id of nodes[0]?.children ?? []) add(id, root)
  return summed(root)
}

export function fromAllocations({ head }: AllocationProfile): Frame {
  const root = emptyFrame('all')
  const add = (node: AllocationNode, parent: Frame) => {
    if (isNoWork(node.callFrame)) return
    const frame = childOf(parent, node.callFrame)
    frame.self += node.selfSize
    for (const child of node.children) add(child, frame)
  }
  for (const node of head.children) add(node, root)
  return summed(root)
}

/** Waiting, and what the profiler itself does. */
function isNoWork({ functionName, url }: CallFrame): boolean {
  return functionName === '(idle)' || url.startsWith('node:inspector') || url.endsWith('/bench/inside.ts')
}

/** The same function called from the same place is one frame, however many nodes the profiler made of it. */
function childOf(parent: Frame, callFrame: CallFrame): Frame {
  const { functionName, url, lineNumber } = callFrame
  const key = `${functionName} ${url}:${lineNumber}`
  const known = parent.children.get(key)
  if (known) return known
  const place = url === '' ? '' : `${url.replace(/^.*\/(?=node_modules\/|src\/)/, '')}:${lineNumber + 1}`
  // Most middleware has no name, but a place that says more than `(anonymous)`.
  const name = functionName || (place === '' ? '(anonymous)' : place.slice(place.lastIndexOf('/') + 1))
  const frame = { ...emptyFrame(name), place, group: groupOf(callFrame, parent.group) }
  parent.children.set(key, frame)
  return frame
}

function emptyFrame(name: string): Frame {
  return { name, place: '', group: 'Node', self: 0, total: 0, children: new Map() }
}

function summed(frame: Frame): Frame {
  frame.total = frame.self
  for (const child of frame.children.values()) frame.total += summed(child).total
  return frame
}

/** What each kind of code cost itself, the most first. */
export function selfBy(root: Frame, keyOf: (frame: Frame) => string): [key: string, self: number][] {
  const sums = new Map<string, number>()
  const walk = (frame: Frame) => {
    if (frame.self > 0) sums.set(keyOf(frame), (sums.get(keyOf(frame)) ?? 0) + frame.self)
    for (const child of frame.children.values()) walk(child)
  }
  walk(root)
  return [...sums].sort(([, one], [, other]) => other - one)
}
