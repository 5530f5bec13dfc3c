#include "server/openapi/document.hpp"

namespace fracta::server {

std::string_view openapi_system() {
  return R"yaml(
paths:
  /livez:
    get: &probe
      operationId: live
      summary: Whether the process is alive
      public: true
      parameters:
        - {name: verbose, in: query, schema: {type: string}}
        - {name: exclude, in: query, schema: {type: string}}
      texts: ["200", "503"]
  /livez/{check}:
    parameters: &check
      - {name: check, in: path, required: true, schema: {type: string}, example: ping}
    get:
      <<: *probe
      operationId: liveCheck
      responses: {"404": {$ref: "#/components/schemas/Failure"}}
  /readyz:
    get:
      <<: *probe
      operationId: ready
      summary: Whether calls would be served
  /readyz/{check}:
    parameters: *check
    get:
      <<: *probe
      operationId: readyCheck
      summary: One of the checks of readyz
      responses: {"404": {$ref: "#/components/schemas/Failure"}}
  /healthz:
    get:
      operationId: healthy
      summary: As livez, for older clients
      public: true
      responses:
        "200": {type: object, required: [status], properties: {status: {type: string, enum: [ok]}}}
  /metrics:
    get:
      operationId: metrics
      summary: Figures in Prometheus' text format
      texts: ["200"]
  /version:
    get:
      operationId: version
      summary: Release, commit and configuration of the daemon
      responses:
        "200":
          type: object
          required: [version, commit, config_hash]
          properties: {version: {type: string}, commit: {type: string}, config_hash: {type: string}}
  /api/v1/openapi.json:
    get:
      operationId: openapi
      summary: This document
      responses: {"200": {type: object, required: [openapi, info, paths]}}
  /api/ambient/v1/openapi:
    get:
      operationId: ambientOpenapi
      summary: This document
      responses: {"200": {type: object, required: [openapi, info, paths]}}
  /api/v1/auth/whoami:
    get:
      operationId: whoami
      summary: Who the caller is to the controlplane
      responses:
        "200":
          type: object
          required: [user, anonymous, groups]
          properties:
            user: {type: string}
            anonymous: {type: boolean}
            groups: {type: array, items: {type: string}}
            uid: {type: string}
            extra: {type: object}
            pod: {type: object}
  /api/v1/auth/can-i:
    get:
      operationId: everythingICan
      summary: What the caller may do
      responses:
        "200":
          type: object
          required: [permissions]
          properties:
            permissions:
              type: array
              items:
                type: object
                required: [verb, resource, allowed]
                properties:
                  verb: {type: string}
                  resource: {type: string}
                  subresource: {type: string}
                  allowed: {type: boolean}
    post:
      operationId: canI
      summary: Whether the caller may do one thing
      body:
        type: object
        required: [verb, resource]
        properties:
          verb: {type: string}
          resource: {type: string, enum: [agents, credentials]}
          subresource: {type: string}
          name: {type: string}
        example: {verb: get, resource: agents}
      responses:
        "200":
          type: object
          required: [allowed]
          properties: {allowed: {type: boolean}, reason: {type: string}}
        "400": {$ref: "#/components/schemas/Failure"}
        "415": {$ref: "#/components/schemas/Failure"}
        "503": {$ref: "#/components/schemas/Failure"}
  /api/v1/auth/plans:
    get:
      operationId: credentialPlans
      summary: How the runtimes' credential profiles come out
      parameters:
        - {name: runtime, in: query, schema: {type: string}}
      responses:
        "200":
          type: object
          required: [runtimes]
          properties: {runtimes: {type: array, items: {type: object}}}
schemas: {}
)yaml";
}

}  // namespace fracta::server
