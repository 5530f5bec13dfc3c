#include "server/openapi/document.hpp"

namespace fracta::server {

std::string_view openapi_agents() {
  return R"yaml(
paths:
  /api/v1/agents:
    get:
      operationId: listAgents
      summary: Agents that are there, by name
      responses:
        "200": {$ref: "#/components/schemas/AgentList"}
        "503": {$ref: "#/components/schemas/Failure"}
    post:
      operationId: spawnAgent
      summary: Starts an agent
      parameters:
        - {name: dryRun, in: query, schema: {type: string, enum: [client, server]}}
      body: {$ref: "#/components/schemas/SpawnRequest"}
      responses:
        "200": {$ref: "#/components/schemas/SpawnResult"}
        "201": {$ref: "#/components/schemas/SpawnResult"}
        "400": {$ref: "#/components/schemas/Failure"}
        "409": {$ref: "#/components/schemas/Failure"}
        "415": {$ref: "#/components/schemas/Failure"}
        "422": {$ref: "#/components/schemas/Failure"}
        "429": {$ref: "#/components/schemas/Failure"}
        "503": {$ref: "#/components/schemas/Failure"}
        "504": {$ref: "#/components/schemas/Failure"}
  /api/v1/agents/dry-run:
    post:
      operationId: explainSpawn
      summary: What a spawn would come to; nothing is created
      bodyOptional: true
      body: {$ref: "#/components/schemas/SpawnRequest"}
      responses:
        "200":
          type: object
          required: [resolved_spec, command_spec, workspace_config, objects]
          properties:
            resolved_spec: {type: object}
            command_spec: {type: object}
            workspace_config: {type: object}
            objects: {type: array, items: {type: object}}
            warnings: {type: array, items: {type: string}}
        "400": {$ref: "#/components/schemas/Failure"}
        "415": {$ref: "#/components/schemas/Failure"}
        "422": {$ref: "#/components/schemas/Failure"}
        "503": {$ref: "#/components/schemas/Failure"}
  /api/v1/agents/{name}:
    parameters: &agent
      - {name: name, in: path, required: true, schema: {type: string}, example: no-such-agent}
    get:
      operationId: getAgent
      summary: One agent
      responses:
        "200":
          type: object
          required: [agent]
          properties: {agent: {$ref: "#/components/schemas/Agent"}}
        "404": {$ref: "#/components/schemas/Failure"}
        "503": {$ref: "#/components/schemas/Failure"}
    delete:
      operationId: killAgent
      summary: Ends an agent and removes what belongs to it
      bodyOptional: true
      body: {type: object, properties: {keep_files: {type: boolean, x-ignored: true}}}
      responses:
        "200":
          type: object
          required: [status, message]
          properties: {status: {type: string, enum: [killed]}, message: {type: string}}
        "400": {$ref: "#/components/schemas/Failure"}
        "404": {$ref: "#/components/schemas/Failure"}
        "415": {$ref: "#/components/schemas/Failure"}
        "503": {$ref: "#/components/schemas/Failure"}
  /api/v1/agents/{name}/logs:
    parameters: *agent
    get:
      operationId: agentLogs
      summary: Output of an agent; with follow=true a plain text stream until it ends
      parameters:
        - {name: lines, in: query, schema: {type: integer, default: 100}}
        - {name: follow, in: query, schema: {type: boolean}, x-streams: true}
        - {name: timestamps, in: query, schema: {type: boolean}}
        - {name: since, in: query, schema: {type: string, format: "time or duration"}, example: 5m}
        - {name: container, in: query, schema: {type: string, enum: [agent, workspace-init]}}
      responses:
        "200":
          type: object
          required: [output, truncated]
          properties: {output: {type: string}, truncated: {type: boolean}}
        "400": {$ref: "#/components/schemas/Failure"}
        "404": {$ref: "#/components/schemas/Failure"}
        "503": {$ref: "#/components/schemas/Failure"}
        "504": {$ref: "#/components/schemas/Failure"}
  /api/v1/agents/{name}/peek:
    parameters: *agent
    get:
      operationId: peekAgent
      summary: The end of an agent's output, or its events as text
      parameters:
        - {name: mode, in: query, schema: {type: string, enum: [raw, events]}}
      responses:
        "200": {type: object, required: [output], properties: {output: {type: string}}}
        "400": {$ref: "#/components/schemas/Failure"}
        "404": {$ref: "#/components/schemas/Failure"}
        "503": {$ref: "#/components/schemas/Failure"}
        "504": {$ref: "#/components/schemas/Failure"}
  /api/v1/agents/{name}/events:
    parameters: *agent
    get:
      operationId: agentEvents
      summary: The last events of an agent
      parameters:
        - {name: last, in: query, schema: {type: integer, default: 20}}
        - {name: since, in: query, schema: {type: string}}
      responses:
        "200":
          type: object
          required: [events]
          properties: {events: {type: array, items: {$ref: "#/components/schemas/Event"}}}
        "400": {$ref: "#/components/schemas/Failure"}
        "404": {$ref: "#/components/schemas/Failure"}
        "503": {$ref: "#/components/schemas/Failure"}
    post:
      operationId: reportEvents
      summary: Stores what an agent reports about itself
      body:
        type: object
        properties:
          events:
            type: array
            items:
              type: object
              properties:
                time: {type: string, format: date-time}
                component: {type: string}
                category: {type: string}
                action: {type: string}
                outcome: {type: string}
                severity: {type: string}
                detail: {type: string}
                attrs: {type: object, additionalProperties: {type: string}}
        example: {events: [{action: step, detail: one}]}
      responses:
        "202":
          type: object
          required: [accepted, dropped]
          properties: {accepted: {type: integer}, dropped: {type: integer}}
        "400": {$ref: "#/components/schemas/Failure"}
        "404": {$ref: "#/components/schemas/Failure"}
        "415": {$ref: "#/components/schemas/Failure"}
        "503": {$ref: "#/components/schemas/Failure"}
  /api/v1/agents/{name}/watch:
    parameters: *agent
    get:
      operationId: watchAgent
      summary: Events of one agent as server-sent events
      streams: text/event-stream
      parameters:
        - {name: since, in: query, schema: {type: string}}
      responses:
        "404": {$ref: "#/components/schemas/Failure"}
        "503": {$ref: "#/components/schemas/Failure"}
  /api/v1/watch:
    get:
      operationId: watchAgents
      summary: Events of all agents as server-sent events
      streams: text/event-stream
      parameters:
        - {name: since, in: query, schema: {type: string}}
      responses:
        "503": {$ref: "#/components/schemas/Failure"}
schemas:
  Failure:
    type: object
    required: [error]
    properties:
      error: {type: string}
      reason: {type: string}
      causes:
        type: array
        items:
          type: object
          properties: {field: {type: string}, reason: {type: string}, message: {type: string}}
  AgentList:
    type: object
    required: [agents]
    properties: {agents: {type: array, items: {$ref: "#/components/schemas/Agent"}}}
  Agent:
    type: object
    required: [name, status, mode, backend, id, kind, namespace, start_time, created_at, age_seconds]
    properties:
      name: {type: string}
      status: {type: string, enum: [Queued, Pending, Running, Idle, Completed, Failed, Stopped]}
      mode: {type: string, enum: [batch, stream]}
      backend: {type: string}
      id: {type: string}
      kind: {type: string, enum: [Job, Pod]}
      namespace: {type: string}
      runtime: {type: string}
      model: {type: string}
      unread_messages: {type: integer}
      start_time: {type: string, format: date-time}
      created_at: {type: string, format: date-time}
      finished_at: {type: string, format: date-time}
      deadline: {type: string, format: date-time}
      last_event_at: {type: string, format: date-time}
      age_seconds: {type: integer}
      job_name: {type: string}
      pod_name: {type: string}
      pod_ip: {type: string}
      node: {type: string}
      ready: {type: boolean}
      restarts: {type: integer}
      exit_code: {type: integer}
      credentials:
        type: array
        description: Stored credentials the agent may fetch
        items:
          type: object
          required: [id, name, provider]
          properties:
            id: {type: string}
            name: {type: string}
            provider: {type: string}
      reason: {type: string}
      message: {type: string}
      next_step: {type: string}
  SpawnRequest:
    type: object
    required: [task]
    properties:
      task: {type: string}
      contract: {type: string}
      runtime: {type: string}
      host_type: {type: string, description: an older name of runtime}
      model: {type: string}
      tier: {type: string}
      mode: {type: string, enum: [batch, stream], x-checked-later: true}
      dispatch: {type: string, enum: [direct], x-checked-later: true}
      base_branch: {type: string}
      objective_id: {type: string}
      command: {type: array, items: {type: string}}
      credentials:
        type: array
        items: {type: string}
        maxItems: 50
        description: Stored credentials by name, besides those that are bound; each needs the verb bind.
      image: {type: string}
      request_id: {type: string, description: A spawn that is repeated with the same id and content does nothing.}
      active_deadline_seconds: {type: integer}
      labels: {type: object, additionalProperties: {type: string}}
      resources:
        type: object
        properties:
          cpu_request: {type: string}
          cpu_limit: {type: string}
          memory_request: {type: string}
          memory_limit: {type: string}
    example: {task: conformance, contract: "do it", labels: {team: x}}
  SpawnResult:
    type: object
    properties:
      agent: {type: string}
      status: {type: string}
      phase: {type: string}
      mode: {type: string}
      existed: {type: boolean}
      id: {type: string}
      kind: {type: string}
      object: {type: string}
      namespace: {type: string}
      runtime: {type: string}
      model: {type: string}
      warnings: {type: array, items: {type: string}}
      dry_run: {type: string}
      objects: {type: array, items: {type: object}}
  Event:
    type: object
    required: [id, time, action, severity, task]
    properties:
      id: {type: string}
      time: {type: string}
      component: {type: string}
      category: {type: string}
      resource: {type: string}
      action: {type: string}
      outcome: {type: string}
      severity: {type: string}
      detail: {type: string}
      task: {type: string}
      attrs: {type: object, additionalProperties: {type: string}}
)yaml";
}

}  // namespace fracta::server
