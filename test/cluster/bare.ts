import nock from 'nock'

/**
 * Takes the guard off the suite that calls this, whose clients all go to this machine. The guard reads what a client
 * writes before it passes it on, so that half a request never leaves and a refused connection looks open.
 */
export function withBareSockets(): void {
  before(() => nock.restore())
  after(() => nock.activate())
}
