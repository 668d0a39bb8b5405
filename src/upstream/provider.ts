/**
 * The well-known values of `gen_ai.provider.name`, by the end of the host's name.
 * https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
 */
const providers: readonly (readonly [host: string, provider: string])[] = [
  ['openai.azure.com', 'azure.ai.openai'],
  ['openai.azure.us', 'azure.ai.openai'],
  // The name of an Azure AI resource that has models of OpenAI's and others.
  ['cognitiveservices.azure.com', 'azure.ai.openai'],
  ['services.ai.azure.com', 'azure.ai.inference'],
  ['openai.com', 'openai'],
  ['amazonaws.com', 'aws.bedrock'],
  ['generativelanguage.googleapis.com', 'gcp.gemini'],
  ['aiplatform.googleapis.com', 'gcp.vertex_ai'],
  ['groq.com', 'groq'],
  ['deepseek.com', 'deepseek'],
  ['mistral.ai', 'mistral_ai'],
  ['perplexity.ai', 'perplexity'],
  ['cohere.ai', 'cohere'],
  ['cohere.com', 'cohere'],
  ['x.ai', 'x_ai'],
]

/** The provider behind a host; `openai` for a host that nobody knows, since it is that API which it speaks. */
export function providerOf(hostname: string): string {
  return providers.find(([host]) => hostname === host || hostname.endsWith(`.${host}`))?.[1] ?? 'openai'
}
