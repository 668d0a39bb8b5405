import assert from 'node:assert/strict'
import { DiagLogLevel, diag } from '@opentelemetry/api'
import { detectResources } from '@opentelemetry/resources'
import { detectorsOfHere, resourceOf } from '../../src/telemetry/resource.ts'

/** What the detectors find where one of `machineIds` holds the machine's id, or does not exist; and what was warned of. */
async function detected(machineIds: readonly string[]) {
  const complaints: string[] = []
  const complain = (message: string) => complaints.push(message)
  diag.setLogger(
    { error: complain, warn: complain, info() {}, debug() {}, verbose() {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  try {
    const resource = detectResources({ detectors: detectorsOfHere(machineIds) ?? [] })
    await resource.waitForAsyncAttributes?.()
    return { attributes: resource.attributes, complaints }
  } finally {
    diag.disable()
  }
}

describe('the resource of the spans', () => {
  it('names host and process where the machine has no id, as in a container, and warns of nothing', async () => {
    const { attributes, complaints } = await detected(['/no/such/machine-id'])
    assert.deepEqual(complaints, [])
    assert.ok(typeof attributes['host.name'] === 'string' && attributes['process.pid'] === process.pid)
    assert.ok(!('host.id' in attributes))
  })

  it("has the machine's id where there is one", async () => {
    const detectors = detectorsOfHere([import.meta.filename]) ?? []
    const found = detectors.map((detector) => detector.detect().attributes ?? {})
    assert.ok(found.some((attributes) => 'host.id' in attributes))
  })

  it('does not show the command line, where an address may hold a key', async () => {
    const { attributes } = await detected([])
    assert.ok(!('process.command_args' in attributes))
  })

  it('leaves the choice of detectors to the operator who has made one', () => {
    process.env.OTEL_NODE_RESOURCE_DETECTORS = 'env'
    try {
      assert.equal(detectorsOfHere(), undefined)
    } finally {
      delete process.env.OTEL_NODE_RESOURCE_DETECTORS
    }
  })

  it('names the worker by its slot, and the process by an id of its own', () => {
    const [one, other] = [resourceOf('3').attributes, resourceOf('3').attributes]
    assert.equal(one['worker.id'], '3')
    assert.notEqual(one['service.instance.id'], other['service.instance.id'])
  })
})
