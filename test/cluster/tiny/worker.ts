import { runWorker } from '../../../src/cluster/worker.ts'
import { createTinyApp } from './app.ts'

runWorker(createTinyApp)
