import type { Meter } from '../fold/draft.ts'
import { isObject, isText, type Json, type JsonObject, own } from '../fold/record.ts'
import { weigh } from '../fold/weigh.ts'
import { deltaOf, type Growth, indexNames, type PartList, partListOf, wholeOf } from './response-pieces.ts'
import { finished, isOpen, OPEN_UNITS, type OpenSlot, PLACE_UNITS, partsOf, type Slot } from './response-slot.ts'

/** The text that the last piece went to, and what the next one has to say to go on with it. */
interface Thread {
  readonly type: string
  readonly id: Json | undefined
  readonly index: Json | undefined
  readonly partName: string
  readonly partIndex: Json | undefined
  readonly slot: Slot
  readonly holder: JsonObject
  readonly member: string
}

/**
 * Gathers what comes on the way of a Responses stream, for back ends whose last event has no output: the items that were
 * finished, and for those that never are, what their pieces amount to.
 */
export class ResponseItems {
  private readonly meter: Meter
  private readonly slots = new Map<number, Slot>()
  /** The item that was begun last with an index, and the one with an id. */
  private readonly byIndex = new Map<number, Slot>()
  private readonly byId = new Map<string, Slot>()
  private last: Slot | undefined
  private nextPlace = 0
  private thread: Thread | undefined

  constructor(meter: Meter) {
    this.meter = meter
  }

  get size(): number {
    return this.slots.size
  }

  /**
   * Takes one event; those that bring no part of the output change nothing.
   * @param units the length of its data
   * @throws ProxyError `upstream_too_large` over the cap
   */
  take(type: string, event: JsonObject, units: number): void {
    this.thread = undefined
    const delta = deltaOf(type)
    if (delta) this.grow(type, delta, event)
    else if (type === 'response.output_item.added') this.add(event, units)
    else if (type === 'response.output_item.done') this.keep(event, units)
    else if (type === 'response.output_text.annotation.added') this.annotate(event)
    else this.takeWhole(type, event)
  }

  /**
   * Takes a piece of the text that the last event brought one of, as nearly all events are; false when it is none.
   * Throws as {@link take} does.
   */
  follow(type: Json, event: JsonObject): boolean {
    const { thread } = this
    if (!thread || type !== thread.type || event.item_id !== thread.id) return false
    if (event.output_index !== thread.index || event[thread.partName] !== thread.partIndex) return false
    const { delta, logprobs } = event
    if (typeof delta !== 'string' || (Array.isArray(logprobs) && logprobs.length > 0)) return false
    thread.holder[thread.member] += delta
    this.pay(thread.slot, delta.length)
    return true
  }

  /** Nearly always the last event has all items itself, and those that came before it are no part of the answer. */
  drop(): void {
    this.meter.add(-this.meter.units)
    this.slots.clear()
  }

  /** @param status of those items that have not said how they ended */
  inOrder(status: string): Json[] {
    return [...this.slots.values()].sort((one, other) => one.place - other.place).map((slot) => finished(slot, status))
  }

  private add(event: JsonObject, units: number): void {
    const item = own(event, 'item')
    if (!isObject(item)) return
    const id = own(item, 'id')
    const known = isText(id) ? this.byId.get(id) : undefined
    if (!known || known.index !== numberIn(event, 'output_index')) this.begin(event, item, units)
  }

  private keep(event: JsonObject, units: number): void {
    const item = own(event, 'item')
    if (!isObject(item)) return
    const slot: Slot = this.sameAs(item, event) ?? this.begin(event, item, 0)
    this.pay(slot, units + PLACE_UNITS - slot.units)
    slot.item = item
    slot.parts = undefined
  }

  /** An item is done once, so one without an id is never the one that is done already. */
  private sameAs(item: JsonObject, event: JsonObject): Slot | undefined {
    const id = own(item, 'id')
    const known = this.find(event, id)
    if (isOpen(known)) return own(known.item, 'type') === own(item, 'type') ? known : undefined
    return known && isText(id) && own(known.item, 'id') === id ? known : undefined
  }

  /** Some give all items the first index, so that only the id tells them apart, and others each event another id. */
  private find(event: JsonObject, id: Json | undefined): Slot | undefined {
    const index = numberIn(event, 'output_index')
    const named = isText(id) ? this.byId.get(id) : undefined
    if (index === undefined) return named ?? this.last
    if (named?.index === index) return named
    // Or they give an index to some of an item's events only, or not the same to all.
    const nameless = this.last?.index === undefined ? this.last : undefined
    const placed = this.byIndex.get(index)
    return [placed, named, nameless].find(isOpen) ?? placed
  }

  /** Without a place of its own it comes behind all that have come before it. */
  private begin(event: JsonObject, item: JsonObject, units: number): OpenSlot {
    const index = numberIn(event, 'output_index')
    const place = index === undefined || this.slots.has(index) ? this.nextPlace : index
    const slot: OpenSlot = { place, index, item, units: 0, parts: partsOf(item) }
    this.pay(slot, units + OPEN_UNITS)
    this.nextPlace = Math.max(this.nextPlace, place + 1)
    this.slots.set(place, slot)
    if (index !== undefined) this.byIndex.set(index, slot)
    const id = own(item, 'id')
    if (isText(id)) this.byId.set(id, slot)
    this.last = slot
    return slot
  }

  private pay(slot: Slot, units: number): void {
    slot.units += units
    this.meter.add(units)
  }

  /** The item of this type that a piece belongs to, begun where there is none; undefined when it has come whole already. */
  private openFor(event: JsonObject, type: string): OpenSlot | undefined {
    const id = own(event, 'item_id')
    const known = this.find(event, id)
    if (known && own(known.item, 'type') === type) {
      if (isOpen(known)) return known
      if (!isText(id) || own(known.item, 'id') === id) return undefined
    }
    const item: JsonObject = { ...(isText(id) ? { id } : {}), type }
    return this.begin(event, item, weigh(item))
  }

  private grow(type: string, { item, list, part, member }: Growth, event: JsonObject): void {
    const delta = own(event, 'delta')
    const slot = typeof delta === 'string' ? this.openFor(event, item) : undefined
    if (!slot || typeof delta !== 'string') return
    const holder = list ? this.partIn(slot, list, part, event) : slot.item
    const was = own(holder, member)
    holder[member] = typeof was === 'string' ? was + delta : delta
    this.pay(slot, delta.length)
    const { item_id: id, output_index: index, logprobs } = event
    const partName = indexNames[list ?? 'content']
    this.thread = { type, id, index, partName, partIndex: event[partName], slot, holder, member }
    if (list && Array.isArray(logprobs) && logprobs.length > 0) this.append(slot, holder, 'logprobs', logprobs)
  }

  private takeWhole(type: string, event: JsonObject): void {
    const list = partListOf(type)
    const whole = wholeOf(type)
    if (list) this.setPart(list, event)
    else if (whole) this.setText(whole, event)
  }

  private setText({ item, list, part, member }: Growth, event: JsonObject): void {
    const text = own(event, member)
    const slot = isText(text) ? this.openFor(event, item) : undefined
    if (!slot || !isText(text)) return
    const holder = list ? this.partIn(slot, list, part, event) : slot.item
    const was = own(holder, member)
    holder[member] = text
    this.pay(slot, text.length - (typeof was === 'string' ? was.length : 0))
  }

  /** One that comes while it is there is the same, and has come whole. */
  private setPart(list: PartList, event: JsonObject): void {
    const part = own(event, 'part')
    if (!isObject(part)) return
    const isReasoning = list === 'summary' || own(part, 'type') === 'reasoning_text'
    const slot = this.openFor(event, isReasoning ? 'reasoning' : 'message')
    if (!slot) return
    const index = numberIn(event, indexNames[list]) ?? 0
    const known = slot.parts[list].get(index)
    this.pay(slot, weigh(part) - (known ? weigh(known) : -PLACE_UNITS))
    slot.parts[list].set(index, part)
  }

  private annotate(event: JsonObject): void {
    const annotation = own(event, 'annotation')
    const slot = isObject(annotation) ? this.openFor(event, 'message') : undefined
    if (!slot || !isObject(annotation)) return
    this.append(slot, this.partIn(slot, 'content', 'output_text', event), 'annotations', [annotation])
  }

  private append(slot: Slot, part: JsonObject, name: string, entries: Json[]): void {
    const given = own(part, name)
    const list = Array.isArray(given) ? given : []
    for (const entry of entries) list.push(entry)
    part[name] = list
    this.pay(slot, weigh(entries))
  }

  private partIn(slot: OpenSlot, list: PartList, type = '', event: JsonObject): JsonObject {
    const index = numberIn(event, indexNames[list]) ?? 0
    const known = slot.parts[list].get(index)
    if (known) return known
    const part: JsonObject = { type, ...(type === 'output_text' ? { annotations: [] } : {}) }
    this.pay(slot, weigh(part) + PLACE_UNITS)
    slot.parts[list].set(index, part)
    return part
  }
}

function numberIn(event: JsonObject, name: string): number | undefined {
  const value = own(event, name)
  return typeof value === 'number' ? value : undefined
}
