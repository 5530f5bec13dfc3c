#include "server/credentials/listing.hpp"

#include <algorithm>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/credentials/provider.hpp"
#include "server/answers.hpp"
#include "server/credentials/replies.hpp"

namespace fracta::server {
namespace {

using credentials::StoredCredential;

constexpr std::int64_t kMaxSize = 65'500;  // upstream's
constexpr std::size_t kMaxOrders = 10;

ListQueryResult refuse(ApiError number, const std::string& reason) { return {{}, credential_error(number, reason)}; }

// kInvalid: no number, or below `least`.
Result<std::int64_t> number(const net::ServerRequest& request, std::string_view name, std::int64_t least,
                            std::int64_t fallback) {
  const auto text = request.query_parameter(name);
  if (!text || text->empty()) return fallback;
  const auto value = parse_int(*text);
  if (!value || *value < least)
    return make_error(ErrorCode::kInvalid,
                      std::string(name) + " must be a whole number of at least " + std::to_string(least));
  return *value;
}

Result<std::vector<ListQuery::Order>> parse_order(const std::string& text) {
  std::vector<ListQuery::Order> out;
  if (trim(text).empty()) return out;
  for (const auto& piece : split(text, ',')) {
    std::vector<std::string> words;
    for (const auto& word : split(trim(piece), ' '))
      if (!word.empty()) words.push_back(word);
    const bool known = !words.empty() && credential_field({}, words[0]) != nullptr;
    const bool direction = words.size() < 2 || iequals(words[1], "asc") || iequals(words[1], "desc");
    if (!known || !direction || words.size() > 2 || out.size() == kMaxOrders)
      return make_error(ErrorCode::kInvalid, "bad order value: " + shorten(trim(piece), 60));
    out.push_back({words[0], words.size() == 2 && iequals(words[1], "desc")});
  }
  return out;
}

Result<std::vector<std::string>> parse_fields(const std::string& text) {
  std::vector<std::string> out;
  if (trim(text).empty()) return out;
  for (const auto& piece : split(text, ',')) {
    const std::string name(trim(piece));
    if (name != "kind" && name != "href" && credential_field({}, name) == nullptr)
      return make_error(ErrorCode::kInvalid, "no such field: " + shorten(name, 60));
    out.push_back(name);
  }
  out.emplace_back("id");
  return out;
}

Json chosen(const Json& object, const std::vector<std::string>& fields) {
  if (fields.empty()) return object;
  Json out = Json::object();
  for (const auto& field : fields)
    if (const Json* value = find(object, field)) out[field] = *value;
  return out;
}

void sort_by(std::vector<StoredCredential>& list, const std::vector<ListQuery::Order>& order) {
  std::stable_sort(list.begin(), list.end(), [&](const StoredCredential& a, const StoredCredential& b) {
    for (const auto& [field, descending] : order) {
      const int compared = credential_field(a, field)->compare(*credential_field(b, field));
      if (compared != 0) return descending ? compared > 0 : compared < 0;
    }
    return false;
  });
}

}  // namespace

ListQueryResult parse_list_query(const net::ServerRequest& request) {
  ListQuery query;
  const auto page = number(request, "page", 1, 1);
  if (!page) return refuse(ApiError::kBadRequest, page.error().message);
  query.page = *page;
  const auto size = number(request, "size", 0, 100);
  if (!size) return refuse(ApiError::kBadRequest, size.error().message);
  query.size = std::min(*size, kMaxSize);
  query.provider = request.query_parameter("provider").value_or("");
  if (!query.provider.empty() && credentials::find_provider(query.provider) == nullptr)
    return refuse(ApiError::kValidation, "provider \"" + shorten(query.provider, 40) + "\" is unknown; one of " +
                                             credentials::provider_names(", "));
  auto filter = parse_search(request.query_parameter("search").value_or(""));
  if (!filter) return refuse(ApiError::kSearch, "Failed to parse search query: " + filter.error().message);
  query.matches = *std::move(filter);
  auto order = parse_order(request.query_parameter("orderBy").value_or(""));
  if (!order) return refuse(ApiError::kBadRequest, order.error().message);
  query.order = *std::move(order);
  auto fields = parse_fields(request.query_parameter("fields").value_or(""));
  if (!fields) return refuse(ApiError::kBadRequest, fields.error().message);
  query.fields = *std::move(fields);
  return {std::move(query), {}};
}

net::ServerResponse list_reply(const ListQuery& query, std::vector<StoredCredential> all) {
  const auto unwanted = [&](const StoredCredential& credential) {
    return (!query.provider.empty() && credential.provider != query.provider) || !query.matches(credential);
  };
  all.erase(std::remove_if(all.begin(), all.end(), unwanted), all.end());
  sort_by(all, query.order);
  Json items = Json::array();
  const auto total = static_cast<std::int64_t>(all.size());
  // A page so far out that its first index would not fit is as empty as any other beyond the end.
  const std::int64_t first =
      query.size == 0 || query.page - 1 > total / query.size ? total : (query.page - 1) * query.size;
  for (std::int64_t i = first; i < std::min(total, first + query.size); ++i)
    items.push_back(chosen(credential_to_json(all[static_cast<std::size_t>(i)]), query.fields));
  return json_answer(200, {{"kind", "CredentialList"},
                           {"page", query.page},
                           {"size", items.size()},
                           {"total", total},
                           {"items", std::move(items)}});
}

}  // namespace fracta::server
