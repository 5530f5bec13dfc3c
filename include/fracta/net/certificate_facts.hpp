// What a certificate says about itself, for people who check what they were given. Nothing here decides about trust.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"

namespace fracta::net {

struct CertificateFacts {
  std::string common_name;  // of the subject; may be empty
  SystemTime not_before{}, not_after{};
};

// All certificates of a PEM text, in order. kInvalid when there is none or one does not parse.
Result<std::vector<CertificateFacts>> read_certificates(std::string_view pem);
// An unencrypted private key in PEM. Never asks for a passphrase, never repeats the text.
Result<void> check_private_key(std::string_view pem);
// Whether the key belongs to the first certificate. kInvalid: it does not, or one of them cannot be read.
Result<void> check_key_pair(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace fracta::net
