# docker build --target controlplane -t fracta .            the daemon
# docker build --target agent -t fracta-agent .             what agents run in; agent CLIs are added with build arguments:
#   --build-arg NPM_PACKAGES="@anthropic-ai/claude-code@2.1.330 @openai/codex@0.169.0"

FROM debian:12-slim AS build
WORKDIR /src
COPY scripts/install-deps scripts/install-deps
RUN apt-get update && ./scripts/install-deps && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release -DFRACTA_TESTS=OFF && cmake --build build/release --target fracta \
    && strip --strip-unneeded build/release/fracta \
    && scripts/mcp-packages > /mcp-packages

# What the program links against, and nothing that only building needs.
FROM debian:12-slim AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
       ca-certificates libbrotli1 libcpp-httplib0.11 libfmt9 libspdlog1.10 libssl3 libyaml-cpp0.7 zlib1g \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/release/fracta /usr/local/bin/fracta
RUN fracta --version

FROM runtime AS controlplane
USER 65532:65532
WORKDIR /tmp
EXPOSE 9090
ENTRYPOINT ["fracta"]
CMD ["controlplane", "--config", "/etc/fracta/fracta.yaml"]

# Auth-agnostic: an empty helper directory on PATH, filled by a volume at run time (extra_volumes).
FROM runtime AS agent
RUN apt-get update \
    && apt-get install -y --no-install-recommends curl git procps python3 \
    && rm -rf /var/lib/apt/lists/*
# The MCP servers of stored credentials, in the exact versions the program starts (include/fracta/credentials/mcp_versions.hpp).
COPY --from=build /mcp-packages /etc/fracta-mcp-packages
ARG NPM_PACKAGES=""
# Behind a proxy with a certificate authority of its own: a file inside the build (buildah build --volume).
ARG NODE_EXTRA_CA_CERTS=""
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm \
    && npm install --global $(cat /etc/fracta-mcp-packages) $NPM_PACKAGES && npm cache clean --force \
    && rm -rf /var/lib/apt/lists/* && kubernetes-mcp-server --version
RUN useradd --uid 1000 --user-group --create-home agent \
    && install -d -m 0755 /opt/fracta/auth-helpers \
    && install -d -o agent -g agent /workspace
ENV PATH=/opt/fracta/auth-helpers:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER 1000:1000
WORKDIR /workspace
ENTRYPOINT ["fracta", "agent", "run", "--"]
