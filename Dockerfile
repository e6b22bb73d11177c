# One image for every verb: `worker` unless another is named (`docker run … IMAGE doctor --json`).
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY workers ./workers
COPY scripts ./scripts
RUN npm run build

FROM ${NODE_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# What the runtime never opens makes up half of the packages: the inference libraries of other systems and processors,
# the WebAssembly backend of the browser, browser bundles, compilers that others name as optional peers, and code for
# bundlers beside what Node loads.
RUN npm ci --omit=dev --no-audit --no-fund \
  && cd node_modules \
  && find onnxruntime-node/bin -mindepth 2 -maxdepth 2 -type d ! -name linux -exec rm -r {} + \
  && find onnxruntime-node/bin -mindepth 3 -maxdepth 3 -type d ! -name "$(node -p process.arch)" -exec rm -r {} + \
  && rm -rf @xenova/transformers/dist \
  && find onnxruntime-web/dist -name '*.wasm' -delete \
  && rm -rf typescript @typescript @types echarts/dist echarts/types protobufjs/cli \
  && rm -rf @opentelemetry/*/build/esm @opentelemetry/*/build/esnext \
  && find . \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -type f -delete

FROM ${NODE_IMAGE}
ENV NODE_ENV=production BACKFILL_MODEL_LOCAL_PATH=/models BACKFILL_HEALTH_FILE=/tmp/pgvector-backfill.health
WORKDIR /app
# The first process of a container: it hands on the signals that come before Node hears any, and reaps what nobody waits for.
RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
# A named volume takes over the owner of the folder that it covers.
RUN mkdir /models && chown node:node /models
COPY --from=modules /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY --from=build /app/dist ./dist
# As messages and documents name it: `docker exec CONTAINER pgvector-backfill status`.
RUN chmod +x dist/scripts/cli.js && ln -s /app/dist/scripts/cli.js /usr/local/bin/pgvector-backfill
USER node
VOLUME /models
EXPOSE 3000
# By the heartbeat of worker and dashboard: a file that is there and has not been touched for a minute is of a process that
# hangs. Other verbs have none. The same check stands in docker-compose.yml and docs/kubernetes.yaml.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
  CMD ["sh", "-c", "! find \"$BACKFILL_HEALTH_FILE\" -mmin +1 2> /dev/null | grep -q ."]
# `-s`: quiet also where it is not the first, under an init of the runtime's own.
ENTRYPOINT ["tini", "-s", "--", "pgvector-backfill"]
CMD ["worker"]
