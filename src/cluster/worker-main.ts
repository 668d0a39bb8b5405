import { createApp } from '../app.ts'
import { runWorker } from './worker.ts'

// What the primary forks. A file of its own, so that the primary never loads the app, and PM2's workers are not ours.
runWorker(createApp)
