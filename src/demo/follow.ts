/** Loaded into the demo's proxy: however the demo ends, the proxy does not stay behind and keep its port. */
process.once('disconnect', () => process.exit())
