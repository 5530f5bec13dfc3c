// The gRPC health check of a probe: one unary call of grpc.health.v1.Health/Check over cleartext HTTP/2.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

namespace fracta::devcluster {

// Empty when the service serves; otherwise what is wrong, in a kubelet's words.
std::string check_grpc_health(const std::string& host, int port, const std::string& service,
                              std::chrono::milliseconds timeout, const std::stop_token& stop);

}  // namespace fracta::devcluster
