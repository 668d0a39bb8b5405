/** A place on a roll; to be given back to leave it. */
export interface Place<Member> {
  member: Member | undefined
  before: Place<Member> | undefined
  after: Place<Member> | undefined
}

/**
 * Who is here just now, in the order in which they came: a list whose members come and go all the time.
 *
 * A `Set` would do, but for the garbage collector. V8 gives a set a new table each time that the old one is full of gaps,
 * and the old one goes on pointing to its members and to the new one. Once one such table has grown old, all that come
 * after it are kept with their members until the next full collection: every request was, with its body and its
 * answer (docs/decisions/0017-who-is-here.md). Here whoever leaves points to nobody, and nobody to it.
 */
export class Roll<Member> {
  size = 0
  /** The place of who has been here longest. */
  first: Place<Member> | undefined
  private last: Place<Member> | undefined

  enter(member: Member): Place<Member> {
    const place: Place<Member> = { member, before: this.last, after: undefined }
    if (this.last) this.last.after = place
    else this.first = place
    this.last = place
    this.size++
    return place
  }

  /** Takes the member off that came in this place; it may be called again, and then changes nothing. */
  leave(place: Place<Member>): void {
    const { before, after, member } = place
    if (member === undefined) return
    if (before) before.after = after
    else this.first = after
    if (after) after.before = before
    else this.last = before
    place.member = place.before = place.after = undefined
    this.size--
  }

  /** Those that have been here longest, first the first; all of them without a number. */
  oldest(count = this.size): Member[] {
    const members: Member[] = []
    for (let place = this.first; place && members.length < count; place = place.after) {
      if (place.member !== undefined) members.push(place.member)
    }
    return members
  }
}
