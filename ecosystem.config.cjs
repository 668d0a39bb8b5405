// PM2 keeps one process alive, which is the primary of a cluster of its own: PM2's cluster mode would put a second one
// around it, and the workers could neither share limits nor be replaced one by one.
// New configuration without a restart: pm2 sendSignal SIGHUP openai-proxy
module.exports = {
  apps: [
    {
      name: 'openai-proxy',
      script: 'src/main.ts',
      exec_mode: 'fork',
      instances: 1,
      // The Node that runs PM2; left to itself, PM2 looks for another interpreter for .ts files.
      interpreter: process.execPath,
      // Not ready before the workers listen.
      wait_ready: true,
      listen_timeout: 60_000,
      // Longer than SHUTDOWN_TIMEOUT_MS, or PM2 kills it while it drains.
      kill_timeout: 40_000,
      env: { NODE_ENV: 'production' },
    },
  ],
}
