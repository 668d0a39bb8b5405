/** Takes a stream of server-sent events apart, wherever it was cut. Of what the format can do, `GET /live` uses `data:`. */
export class Events {
  private rest = ''

  /** The data of each event that has become whole. */
  push(text: string): string[] {
    const parts = (this.rest + text).split('\n\n')
    this.rest = parts.pop() ?? ''
    return parts.filter((part) => part.startsWith('data: ')).map((part) => part.slice('data: '.length))
  }
}
