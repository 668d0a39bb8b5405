import type { Api } from './api.ts'

/** The routes that are balanced and guarded like the rest, but whose answers are never converted. */
export const embeddings: Api = {
  route: '/v1/embeddings',
  hasUsageOption: false,
}

export const models: Api = { route: '/v1/models', hasUsageOption: false }

export const model: Api = { route: '/v1/models/:id', hasUsageOption: false }
