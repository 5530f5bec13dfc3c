#include "server/openapi/document.hpp"

namespace fracta::server {

// Paths stand here once, with {credentials} for each of the prefixes they are served at (openapi/document.cpp).
std::string_view openapi_credentials() {
  return R"yaml(
paths:
  "{credentials}":
    get:
      operationId: listCredentials
      summary: Stored credentials the caller may see, without tokens
      parameters:
        - {name: page, in: query, schema: {type: integer, minimum: 1, default: 1}}
        - {name: size, in: query, schema: {type: integer, minimum: 0, default: 100}}
        - {name: search, in: query, schema: {type: string, format: tsl}, example: "provider = 'github'", x-bad: "name ="}
        - {name: orderBy, in: query, schema: {type: string}, example: "name desc", x-bad: "colour"}
        - {name: fields, in: query, schema: {type: string}, example: "id,name", x-bad: "token"}
        - {name: provider, in: query, schema: {$ref: "#/components/schemas/Provider"}}
      responses:
        "200": {$ref: "#/components/schemas/CredentialList"}
        "400": {$ref: "#/components/schemas/Error"}
        "500": {$ref: "#/components/schemas/Error"}
        "503": {$ref: "#/components/schemas/Error"}
    post:
      operationId: createCredential
      summary: Registers a credential
      body: {$ref: "#/components/schemas/Credential"}
      responses:
        "201": {$ref: "#/components/schemas/Credential"}
        "400": {$ref: "#/components/schemas/Error"}
        "409": {$ref: "#/components/schemas/Error"}
        "415": {$ref: "#/components/schemas/Error"}
        "500": {$ref: "#/components/schemas/Error"}
        "503": {$ref: "#/components/schemas/Error"}
  "{credentials}/{id}":
    parameters: &credential
      - name: id
        in: path
        required: true
        schema: {type: string, pattern: "^[0-9A-Za-z]{27}$"}
        example: "000000000000000000000000000"
    get:
      operationId: getCredential
      summary: One credential, without its token
      responses:
        "200": {$ref: "#/components/schemas/Credential"}
        "404": {$ref: "#/components/schemas/Error"}
        "500": {$ref: "#/components/schemas/Error"}
        "503": {$ref: "#/components/schemas/Error"}
    patch:
      operationId: updateCredential
      summary: Changes what is given; If-Match refuses when somebody else was quicker
      parameters:
        - {name: If-Match, in: header, schema: {type: string}}
      body: {$ref: "#/components/schemas/CredentialPatchRequest"}
      responses:
        "200": {$ref: "#/components/schemas/Credential"}
        "400": {$ref: "#/components/schemas/Error"}
        "404": {$ref: "#/components/schemas/Error"}
        "409": {$ref: "#/components/schemas/Error"}
        "412": {$ref: "#/components/schemas/Error"}
        "415": {$ref: "#/components/schemas/Error"}
        "500": {$ref: "#/components/schemas/Error"}
        "503": {$ref: "#/components/schemas/Error"}
    delete:
      operationId: deleteCredential
      summary: Deletes a credential; one that is bound or in use only with force
      parameters:
        - {name: force, in: query, schema: {type: boolean}}
        - {name: If-Match, in: header, schema: {type: string}}
      responses:
        "204": {}
        "400": {$ref: "#/components/schemas/Error"}
        "404": {$ref: "#/components/schemas/Error"}
        "409": {$ref: "#/components/schemas/Error"}
        "412": {$ref: "#/components/schemas/Error"}
        "500": {$ref: "#/components/schemas/Error"}
        "503": {$ref: "#/components/schemas/Error"}
  "{credentials}/{id}/token":
    parameters: *credential
    get:
      operationId: getCredentialToken
      summary: The token, for who may fetch_token on this very credential, and for agents it is bound to
      parameters:
        - {name: If-None-Match, in: header, schema: {type: string}}
      responses:
        "200": {$ref: "#/components/schemas/CredentialTokenResponse"}
        "304": {}
        "404": {$ref: "#/components/schemas/Error"}
        "500": {$ref: "#/components/schemas/Error"}
        "503": {$ref: "#/components/schemas/Error"}
  /api/v1/credentials/{id}/usage:
    parameters: *credential
    get:
      operationId: getCredentialUsage
      summary: Who uses a credential
      responses:
        "200": {$ref: "#/components/schemas/CredentialUsage"}
        "404": {$ref: "#/components/schemas/Error"}
        "500": {$ref: "#/components/schemas/Error"}
        "503": {$ref: "#/components/schemas/Error"}
  /api/v1/credentials/{id}/bindings:
    parameters: *credential
    post:
      operationId: bindCredential
      summary: Gives the credential to every agent of a runtime, of a name or of the project
      body: &binding
        type: object
        required: [target]
        additionalProperties: false
        properties:
          target: {type: string, pattern: "^(runtime|agent|project)/.+$"}
        example: {target: agent/nightly}
      responses:
        "201": {$ref: "#/components/schemas/CredentialBinding"}
        "400": {$ref: "#/components/schemas/Error"}
        "404": {$ref: "#/components/schemas/Error"}
        "409": {$ref: "#/components/schemas/Error"}
        "415": {$ref: "#/components/schemas/Error"}
        "500": {$ref: "#/components/schemas/Error"}
        "503": {$ref: "#/components/schemas/Error"}
    delete:
      operationId: unbindCredential
      summary: Takes a binding back; running agents keep what they have
      bodyOptional: true
      body: *binding
      parameters:
        - {name: target, in: query, schema: {type: string}, example: agent/nightly}
      responses:
        "204": {}
        "400": {$ref: "#/components/schemas/Error"}
        "404": {$ref: "#/components/schemas/Error"}
        "415": {$ref: "#/components/schemas/Error"}
        "500": {$ref: "#/components/schemas/Error"}
        "503": {$ref: "#/components/schemas/Error"}
  /api/v1/credentials:rotate-keys:
    post:
      operationId: rotateKeys
      summary: Seals every token with the keyring's active key
      bodyOptional: true
      body:
        type: object
        additionalProperties: false
        properties: {dry_run: {type: boolean}}
        example: {dry_run: true}
      responses:
        "200": {$ref: "#/components/schemas/KeyRotation"}
        "400": {$ref: "#/components/schemas/Error"}
        "415": {$ref: "#/components/schemas/Error"}
        "500": {$ref: "#/components/schemas/Error"}
        "503": {$ref: "#/components/schemas/Error"}
schemas:
  Provider: {type: string, enum: [PROVIDERS], description: PROVIDER_TEXTS}
  Credential:
    type: object
    required: [name, provider]
    additionalProperties: false
    properties:
      id: {type: string, readOnly: true}
      kind: {type: string, readOnly: true}
      href: {type: string, readOnly: true}
      created_at: {type: string, format: date-time, readOnly: true}
      updated_at: {type: string, format: date-time, readOnly: true}
      expires_at: {type: string, format: date-time, readOnly: true, description: What the token says about itself.}
      warnings: {type: array, items: {type: string}, readOnly: true}
      name: {type: string, maxLength: 128}
      provider: {$ref: "#/components/schemas/Provider"}
      description: {type: string, maxLength: 4096}
      token: {type: string, writeOnly: true, maxLength: 524288}
      url: {type: string, maxLength: 2048}
      email: {type: string, maxLength: 254}
      labels: {type: string, maxLength: 32768, description: A JSON object as text.}
      annotations: {type: string, maxLength: 32768, description: A JSON object as text.}
    example: {name: conformance, provider: github, token: ghp_conformance, description: made by a test}
  CredentialPatchRequest:
    type: object
    additionalProperties: false
    properties:
      name: {type: string, maxLength: 128}
      provider: {$ref: "#/components/schemas/Provider"}
      description: {type: string, maxLength: 4096}
      token: {type: string, writeOnly: true, maxLength: 524288}
      url: {type: string, maxLength: 2048}
      email: {type: string, maxLength: 254}
      labels: {type: string, maxLength: 32768}
      annotations: {type: string, maxLength: 32768}
    example: {description: changed by a test}
  CredentialList:
    type: object
    required: [kind, page, size, total, items]
    additionalProperties: false
    properties:
      kind: {type: string, enum: [CredentialList]}
      page: {type: integer}
      size: {type: integer}
      total: {type: integer}
      items:
        type: array
        items:
          type: object
          required: [id]
          description: A Credential; fewer properties when fields asks for some.
  CredentialTokenResponse:
    type: object
    required: [credential_id, provider, token]
    additionalProperties: false
    properties:
      credential_id: {type: string}
      provider: {$ref: "#/components/schemas/Provider"}
      token: {type: string}
      url: {type: string}
      email: {type: string}
  CredentialUsage:
    type: object
    required: [kind, credential_id, name, provider, bindings, agents]
    properties:
      kind: {type: string, enum: [CredentialUsage]}
      credential_id: {type: string}
      name: {type: string}
      provider: {$ref: "#/components/schemas/Provider"}
      bindings:
        type: array
        items:
          type: object
          required: [target, source]
          properties: {target: {type: string}, source: {type: string, enum: [binding, configuration]}}
      agents:
        type: array
        items:
          type: object
          required: [name]
          properties: {name: {type: string}, runtime: {type: string}, status: {type: string}}
  CredentialBinding:
    type: object
    required: [kind, credential_id, credential_name, provider, target]
    properties:
      kind: {type: string, enum: [CredentialBinding]}
      credential_id: {type: string}
      credential_name: {type: string}
      provider: {$ref: "#/components/schemas/Provider"}
      target: {type: string}
  KeyRotation:
    type: object
    required: [kind, dry_run, sealed, resealed, current, failed]
    properties:
      kind: {type: string, enum: [KeyRotation]}
      dry_run: {type: boolean}
      sealed: {type: integer}
      resealed: {type: integer}
      current: {type: integer}
      failed: {type: array, items: {type: string}}
  Error:
    type: object
    required: [kind, id, href, code, reason]
    properties:
      kind: {type: string, enum: [Error]}
      id: {type: string}
      href: {type: string}
      code: {type: string}
      reason: {type: string}
      operation_id: {type: string}
)yaml";
}

}  // namespace fracta::server
