// Token sources that need no process: a fixed text, and a file that somebody rotates.
#pragma once

#include <memory>
#include <string>

#include "fracta/kube/client_config.hpp"

namespace fracta::kube {

// kInvalid when a token could not be a header value (a control character inside); `what` names the place, the text of
// the token never appears. Spaces and line ends around it are dropped.
Result<std::string> clean_token(std::string_view text, const std::string& what);

std::shared_ptr<TokenSource> static_token(std::string token);

// Read again after a minute, client-go transport/token_source.go. While a read fails the last good token is used;
// before the first good one `fallback` (kubeconfig's `token` beside `tokenFile`), if not empty, else the read's error.
std::shared_ptr<TokenSource> file_token(std::string path, std::string fallback, const Clock& clock);

}  // namespace fracta::kube
