#!/usr/bin/env bash
# The proxy by curl: one JSON answer, a stream, the list of models, and what an error looks like.
#
#   npm run demo                       (in one terminal)
#   bash examples/curl.sh              (in another)
#
# BASE_URL and MODEL let it ask another proxy and another model.
set -euo pipefail

base=${BASE_URL:-http://127.0.0.1:3000/v1}
model=${MODEL:-demo-stream-only}
key=${OPENAI_API_KEY:-any}

ask() {
  curl --silent --show-error --no-buffer "$base/chat/completions" \
    --header "authorization: Bearer $key" --header 'content-type: application/json' --data "$1"
  echo
}

echo '# One JSON answer, though the model can only stream'
ask '{"model":"'"$model"'","messages":[{"role":"user","content":"Why is the sky blue?"}]}'

echo '# The same as events'
ask '{"model":"'"$model"'","stream":true,"messages":[{"role":"user","content":"Why is the sky blue?"}]}'

echo '# Which models there are'
curl --silent --show-error "$base/models" --header "authorization: Bearer $key"
echo

echo '# Which upstream answered, after how many tries, and where the time went'
curl --silent --show-error --output /dev/null --dump-header - "$base/models" --header "authorization: Bearer $key" |
  grep --ignore-case --extended-regexp '^(x-request-id|x-proxy-upstream|x-proxy-attempts|server-timing):'

echo '# An error has the shape of OpenAI’s'
ask '{"model":"'"$model"'"}'
