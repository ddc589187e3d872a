# Written by deno task gen. From the top of a checkout:
#   docker build --file docker/manager.Dockerfile --tag damselfly/manager .
# What the build is of is not in its context, so that it is told: --build-arg DAMSELFLY_COMMIT=$(git rev-parse HEAD)
FROM denoland/deno:2.9.6 AS build
ARG DAMSELFLY_COMMIT= SOURCE_DATE_EPOCH=0
WORKDIR /source
COPY . .
RUN deno install && deno task images --image manager --folder /image

FROM scratch
LABEL org.opencontainers.image.title="damselfly manager" org.opencontainers.image.description="Clusters, users and settings, with a console"
ENV PATH=/usr/local/bin:/usr/bin:/bin DENO_DIR=/tmp/deno DENO_NO_UPDATE_CHECK=1 MALLOC_TRIM_THRESHOLD_=65536
COPY --from=build /image /
COPY --from=build --chown=65532:65532 /image/var/cache/dragonfly /var/cache/dragonfly
COPY --from=build --chown=65532:65532 /image/var/lib/dragonfly /var/lib/dragonfly
USER 65532:65532
EXPOSE 8080 65003 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["/usr/bin/manager","health"]
ENTRYPOINT ["/usr/bin/manager"]
