import nock from 'nock'

/** No test may reach past this machine: anything but loopback fails at once, with the address in the error. */
export const mochaHooks = {
  beforeAll() {
    nock.disableNetConnect()
    nock.enableNetConnect(/^(127\.0\.0\.1|localhost|\[?::1\]?)(:\d+)?$/)
  },
}
