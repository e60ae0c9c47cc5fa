# Two images: docker build --target operator . and docker build --target listener .
#
# Each holds one static binary and nothing else: no shell, no libc, no certificates
# (those are in the binary). It runs as 65532 on a read-only root; the listener writes
# below --data only, which is a volume. `make images` makes the same images without an
# engine, from the last two stages of this file.

FROM rust:1.95-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# An explicit --target keeps the flags away from build scripts and procedural macros.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    target=$(rustc --print host-tuple) && \
    RUSTFLAGS='-C target-feature=+crt-static' \
    cargo build --locked --profile image --target "$target" -p operator -p listener --no-default-features && \
    mkdir /out && cp "target/$target/image/operator" "target/$target/image/listener" /out/

FROM scratch AS operator
LABEL org.opencontainers.image.title="hubspot-listener-operator" \
      org.opencontainers.image.description="Turns each HubSpotListener into the listener that it describes" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build --chmod=755 /out/operator /operator
WORKDIR /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/operator"]
CMD ["run"]

FROM scratch AS listener
LABEL org.opencontainers.image.title="hubspot-listener" \
      org.opencontainers.image.description="Receives HubSpot webhooks, stores them before it answers, and hands them on in pages" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build --chmod=755 /out/listener /listener
WORKDIR /
USER 65532:65532
EXPOSE 8080 9090
ENTRYPOINT ["/listener"]
CMD ["serve"]
