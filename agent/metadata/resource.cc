#include "agent/metadata/resource.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

namespace clew {
namespace {

std::string_view base_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

std::string_view parent_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : base_name(path.substr(0, slash));
}

std::string_view without_extension(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

// Files that frameworks always name alike say less than the folder they stand in.
bool is_generic(std::string_view stem) {
  constexpr std::array kGeneric = {"main", "index", "app", "server", "__main__", "manage", "wsgi",
                                   "asgi"};
  return std::ranges::find(kGeneric, stem) != kGeneric.end();
}

std::string script_name(std::string_view script, const ProcessInfo& process) {
  const auto stem = without_extension(base_name(script));
  if (!is_generic(stem)) return std::string(stem);
  auto folder = parent_name(script);
  if (folder.empty() || folder == ".") folder = base_name(process.working_directory);
  if (folder.empty() || folder == "/") return std::string(stem);
  return std::string(folder);
}

// The first argument that is no option; options in `with_value` take the next one along.
const std::string* first_plain(const ProcessInfo& process,
                               std::initializer_list<std::string_view> with_value) {
  const auto& arguments = process.arguments;
  for (size_t i = 1; i < arguments.size(); ++i) {
    if (!arguments[i].starts_with('-')) return &arguments[i];
    if (std::ranges::find(with_value, arguments[i]) != with_value.end()) ++i;
  }
  return nullptr;
}

const std::string* value_of(const ProcessInfo& process, std::string_view option) {
  const auto& arguments = process.arguments;
  const auto at = std::ranges::find(arguments, option);
  return at == arguments.end() || at + 1 == arguments.end() ? nullptr : &*(at + 1);
}

std::string python_name(const ProcessInfo& process) {
  if (const auto* module = value_of(process, "-m")) return *module;
  if (const auto* script = first_plain(process, {"-W", "-X"})) return script_name(*script, process);
  return "python";
}

std::string node_name(const ProcessInfo& process) {
  if (const auto* script = first_plain(process, {"-r", "--require", "--import", "--loader"})) {
    return script_name(*script, process);
  }
  return "node";
}

std::string java_name(const ProcessInfo& process) {
  if (const auto* jar = value_of(process, "-jar")) {
    return std::string(without_extension(base_name(*jar)));
  }
  if (const auto* main_class = first_plain(process, {"-cp", "-classpath", "--class-path", "-p"})) {
    const std::string_view name = *main_class;
    return std::string(name.substr(name.rfind('.') + 1));
  }
  return "java";
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string host_id() {
  std::ifstream file("/etc/machine-id");
  std::string id;
  std::getline(file, id);
  return id;
}

// OTEL_RESOURCE_ATTRIBUTES of the traced process: key=value,key=value with %-escapes left as they are
// when malformed.
std::string unescape(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

void set(Resource& resource, std::string_view key, std::string text) {
  if (text.empty()) return;
  const auto found = std::ranges::find(resource.attributes, key, &Resource::Entry::key);
  if (found != resource.attributes.end()) {
    found->type = AttributeType::Text;
    found->text = std::move(text);
  } else {
    resource.attributes.push_back({std::string(key), AttributeType::Text, 0, std::move(text)});
  }
}

void set(Resource& resource, std::string_view key, int64_t number) {
  resource.attributes.push_back({std::string(key), AttributeType::Integer, number, {}});
}

void add_own_attributes(const ProcessInfo& process, Resource& resource) {
  std::string_view rest = process.otel_resource_attributes;
  while (!rest.empty()) {
    const auto item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const auto equals = item.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    set(resource, unescape(item.substr(0, equals)), unescape(item.substr(equals + 1)));
  }
}

}  // namespace

std::string_view runtime_of(const ProcessInfo& process) {
  const auto name = base_name(process.executable.empty() ? process.command : process.executable);
  if (name.starts_with("python") || name.starts_with("pypy")) return "cpython";
  if (name == "node" || name == "nodejs") return "nodejs";
  if (name == "java") return "openjdk";
  if (name.starts_with("ruby")) return "ruby";
  if (name.starts_with("php")) return "php";
  return {};
}

std::string service_name_of(const ProcessInfo& process) {
  if (!process.otel_service_name.empty()) return process.otel_service_name;
  const auto runtime = runtime_of(process);
  if (!process.arguments.empty()) {
    if (runtime == "cpython") return python_name(process);
    if (runtime == "nodejs") return node_name(process);
    if (runtime == "openjdk") return java_name(process);
  }
  const auto name = base_name(process.executable);
  if (!name.empty()) return std::string(name);
  return process.command.empty() ? "unknown_service" : process.command;
}

std::shared_ptr<const Resource> make_resource(const ProcessInfo& process,
                                              const ResourceSettings& settings,
                                              const std::string& rule_name) {
  auto resource = std::make_shared<Resource>();
  resource->process_id = process.pid;
  set(*resource, "service.name", service_name_of(process));
  set(*resource, "process.pid", int64_t{process.pid});
  set(*resource, "process.executable.name",
      std::string(base_name(process.executable.empty() ? process.command : process.executable)));
  set(*resource, "process.executable.path", process.executable);
  set(*resource, "process.runtime.name", std::string(runtime_of(process)));
  set(*resource, "container.id", process.container_id);
  set(*resource, "host.name", host_name());
  set(*resource, "host.id", host_id());
  set(*resource, "os.type", "linux");
  set(*resource, "telemetry.sdk.name", "clew");
  set(*resource, "telemetry.sdk.language", "cpp");
  set(*resource, "telemetry.sdk.version", settings.agent_version);
  add_own_attributes(process, *resource);
  // OTEL_SERVICE_NAME beats OTEL_RESOURCE_ATTRIBUTES, in the process's own settings as in clew's.
  set(*resource, "service.name", process.otel_service_name);
  for (const auto& [key, value] : settings.attributes) set(*resource, key, value);
  set(*resource, "service.name", settings.service_name);
  set(*resource, "service.name", rule_name);
  const auto name =
      std::ranges::find(resource->attributes, "service.name", &Resource::Entry::key);
  resource->service_name = name->text;
  return resource;
}

}  // namespace clew
