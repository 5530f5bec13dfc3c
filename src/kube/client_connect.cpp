// A client on the real network.
#include <utility>

#include "fracta/kube/client.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::kube {

Result<std::unique_ptr<Client>> Client::create(ClientConfig config, const Clock& clock, Options options) {
  net::TransportOptions transport_options;
  transport_options.tls = config.tls;
  auto transport = net::make_http_transport(config.server, transport_options);
  if (!transport) return transport.error().with_context(config.description);
  return std::make_unique<Client>(std::move(config), std::shared_ptr<net::Transport>(std::move(*transport)), clock,
                                  std::move(options));
}

}  // namespace fracta::kube
