// Owners for OpenSSL objects. Private to net: nothing outside this folder sees an OpenSSL type.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/result.hpp"

namespace fracta::net {

template <auto Free>
struct OpensslDeleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, OpensslDeleter<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, OpensslDeleter<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslDeleter<SSL_free>>;

// What OpenSSL's error queue of this thread says, emptied; "unknown error" when it says nothing.
std::string openssl_error_text();

// All certificates of a PEM text, in order. kInvalid when there is none or one does not parse.
Result<std::vector<X509Ptr>> parse_certificates(std::string_view pem);
// An unencrypted private key. kInvalid otherwise; never asks for a passphrase.
Result<KeyPtr> parse_private_key(std::string_view pem);

}  // namespace fracta::net
