#include "devcluster/store/store.hpp"

#include <algorithm>

#include "devcluster/store/packed_owners.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {

const std::string& Record::body() const {
  std::call_once(once_, [this] {
    // Member by member: a copy of a whole object costs more than its text.
    body_ = "{";
    for (const auto& [name, value] : object.items()) {
      if (name == "kind" || name == "apiVersion") continue;
      if (body_.size() > 1) body_ += ',';
      body_ += dump_json(Json(name)) + ":";
      if (name != "metadata") {
        body_ += dump_json(value);
        continue;
      }
      Json metadata = value;
      unpack_owners_in_metadata(metadata);
      body_ += dump_json(metadata);
    }
    body_ += '}';
  });
  return body_;
}

std::string Record::text() const {
  const std::string& rest = body();
  std::string result = "{\"kind\":" + dump_json(object.value("kind", Json(""))) +
                       ",\"apiVersion\":" + dump_json(object.value("apiVersion", Json("")));
  if (rest.size() > 2) result += ',';
  return result.append(rest, 1);
}

Object object_of(const RecordPtr& record) { return record ? Object(record, &record->object) : Object(); }

std::uint64_t Store::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

Store::Table& Store::table(std::string_view resource) const {
  auto found = tables_.find(resource);
  if (found == tables_.end()) {
    found = tables_.emplace(std::string(resource), std::make_unique<Table>()).first;
    found->second->compacted = oldest_;
  }
  return *found->second;
}

Result<void> Store::keep_in(const std::string& path) {
  const std::lock_guard lock(mutex_);
  auto journal = Journal::open(path, [this](const std::string& resource, const std::string& key, std::uint64_t version,
                                            Json object) { restore(resource, key, version, std::move(object)); });
  if (!journal) return journal.error();
  journal_ = std::move(*journal);
  oldest_ = version_;
  for (auto& [resource, table] : tables_) table->compacted = oldest_;
  return {};
}

void Store::restore(const std::string& resource, const std::string& key, std::uint64_t version, Json object) {
  version_ = std::max(version_, version);
  if (resource.empty()) return;
  auto& objects = table(resource).objects;
  if (object.is_null())
    objects.erase(key);
  else
    objects.insert_or_assign(key, std::make_shared<const Record>(std::move(object), version));
}

void Store::write_down(std::string_view resource, const std::string& key, const Record& record, bool gone) {
  if (!journal_) return;
  JournalEntry entry{std::string(resource), key, record.version, gone ? "" : dump_json(record.object)};
  journal_->append(entry);
  if (!journal_->wants_compaction()) return;
  journal_->compact(version_, [this](const std::function<void(const JournalEntry&)>& write) {
    for (const auto& [name, table] : tables_)
      for (const auto& [object_key, object] : table->objects)
        write({name, object_key, object->version, dump_json(object->object)});
  });
}

RecordPtr Store::seal(Json object) {
  ++version_;
  object["metadata"]["resourceVersion"] = std::to_string(version_);
  return std::make_shared<const Record>(std::move(object), version_);
}

void Store::append(Table& table, Change change) {
  table.log.push_back(std::move(change));
  while (table.log.size() > log_limit_) {
    table.compacted = table.log.front().version;
    table.log.pop_front();
  }
  table.changed.notify_all();
}

RecordPtr Store::get(std::string_view resource, std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto& objects = table(resource).objects;
  const auto found = objects.find(key);
  return found == objects.end() ? nullptr : found->second;
}

std::optional<Snapshot> Store::list(std::string_view resource, std::string_view prefix, std::uint64_t at) const {
  const std::lock_guard lock(mutex_);
  const Table& source = table(resource);
  Snapshot result;
  result.version = at == 0 ? version_ : at;
  if (at != 0 && at < source.compacted) return std::nullopt;
  for (auto it = source.objects.lower_bound(prefix); it != source.objects.end() && it->first.starts_with(prefix);
       ++it) {
    result.records.emplace_back(it->first, it->second);
  }
  if (at == 0 || source.log.empty() || source.log.back().version <= at) return result;

  // Undo what happened since.
  std::map<std::string, RecordPtr> objects(result.records.begin(), result.records.end());
  for (auto change = source.log.rbegin(); change != source.log.rend() && change->version > at; ++change) {
    if (!change->key.starts_with(prefix)) continue;
    if (change->previous) {
      objects[change->key] = change->previous;
    } else {
      objects.erase(change->key);
    }
  }
  result.records.assign(objects.begin(), objects.end());
  return result;
}

StoreResult Store::create(std::string_view resource, const std::string& key, Json object) {
  const std::lock_guard lock(mutex_);
  Table& target = table(resource);
  if (const auto found = target.objects.find(key); found != target.objects.end()) {
    return {StoreError::kExists, found->second};
  }
  RecordPtr record = seal(std::move(object));
  target.objects.emplace(key, record);
  write_down(resource, key, *record, false);
  append(target, {EventType::kAdded, key, record, nullptr, record->version});
  return {StoreError::kNone, record};
}

StoreResult Store::update(std::string_view resource, const std::string& key, std::uint64_t expected, Json object) {
  const std::lock_guard lock(mutex_);
  Table& target = table(resource);
  const auto found = target.objects.find(key);
  if (found == target.objects.end()) return {StoreError::kMissing, nullptr};
  if (found->second->version != expected) return {StoreError::kConflict, found->second};
  RecordPtr previous = found->second;
  RecordPtr record = seal(std::move(object));
  found->second = record;
  write_down(resource, key, *record, false);
  append(target, {EventType::kModified, key, record, std::move(previous), record->version});
  return {StoreError::kNone, record};
}

StoreResult Store::erase(std::string_view resource, const std::string& key, std::uint64_t expected) {
  const std::lock_guard lock(mutex_);
  Table& target = table(resource);
  const auto found = target.objects.find(key);
  if (found == target.objects.end()) return {StoreError::kMissing, nullptr};
  if (found->second->version != expected) return {StoreError::kConflict, found->second};
  RecordPtr previous = found->second;
  RecordPtr record = seal(previous->object);
  target.objects.erase(found);
  write_down(resource, key, *record, true);
  append(target, {EventType::kDeleted, key, record, std::move(previous), record->version});
  return {StoreError::kNone, record};
}

bool Store::compacted(std::string_view resource, std::uint64_t version) const {
  const std::lock_guard lock(mutex_);
  return version < table(resource).compacted;
}

std::optional<std::uint64_t> Store::changes(std::string_view resource, std::uint64_t after, std::size_t limit,
                                            std::chrono::milliseconds timeout, const std::stop_token& stop,
                                            std::vector<Change>& out) const {
  std::unique_lock lock(mutex_);
  const Table& source = table(resource);
  const auto news = [&] {
    return source.compacted > after || (!source.log.empty() && source.log.back().version > after);
  };
  source.changed.wait_for(lock, stop, timeout, news);
  if (source.compacted > after) return std::nullopt;
  auto first = std::upper_bound(source.log.begin(), source.log.end(), after,
                                [](std::uint64_t version, const Change& change) { return version < change.version; });
  std::size_t taken = 0;
  for (; first != source.log.end() && taken < limit; ++first, ++taken) out.push_back(*first);
  if (first != source.log.end()) return out.back().version;
  return std::max(version_, after);
}

}  // namespace fracta::devcluster
