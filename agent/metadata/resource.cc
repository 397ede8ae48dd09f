#include "agent/metadata/resource.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

namespace clew {
namespace {

std::string_view base_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

std::string_view without_extension(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

// Files that frameworks always name alike say less than the folder they stand in.
bool is_generic_file(std::string_view stem) {
  constexpr std::array kGeneric = {"main",     "index",  "app",  "server",
                                   "__main__", "manage", "wsgi", "asgi"};
  return std::ranges::find(kGeneric, stem) != kGeneric.end();
}

// Nor do folders that hold code in every project.
bool is_generic_folder(std::string_view name) {
  constexpr std::array kGeneric = {"src", "app", "lib", "bin", "dist", "build"};
  return std::ranges::find(kGeneric, name) != kGeneric.end();
}

std::string script_name(std::string_view script, const ProcessInfo& process) {
  const auto stem = without_extension(base_name(script));
  if (!is_generic_file(stem)) return std::string(stem);
  const auto path = std::filesystem::path(process.working_directory) / script;
  auto folder = path.lexically_normal().parent_path();
  while (is_generic_folder(folder.filename().string())) folder = folder.parent_path();
  auto name = folder.filename().string();
  return name.empty() ? std::string(stem) : name;
}

using Options = std::initializer_list<std::string_view>;

// The first argument that is no option; options in `with_value` take the next one along. None if an
// option in `instead` comes before it: then the program stands on the command line itself.
const std::string* first_plain(const ProcessInfo& process, Options with_value,
                               Options instead = {}) {
  const auto& arguments = process.arguments;
  for (size_t i = 1; i < arguments.size(); ++i) {
    if (!arguments[i].starts_with('-')) return &arguments[i];
    if (std::ranges::find(instead, arguments[i]) != instead.end()) return nullptr;
    if (std::ranges::find(with_value, arguments[i]) != with_value.end()) ++i;
  }
  return nullptr;
}

const std::string* value_of(const ProcessInfo& process, std::string_view option) {
  const auto& arguments = process.arguments;
  const auto at = std::ranges::find(arguments, option);
  return at == arguments.end() || at + 1 == arguments.end() ? nullptr : &*(at + 1);
}

// Options of one letter can be joined, the value of the last as well: -um module, -mmodule.
std::string python_name(const ProcessInfo& process) {
  const auto& arguments = process.arguments;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (!argument.starts_with('-')) return script_name(argument, process);
    if (argument == "-") break;
    if (argument.starts_with("--")) continue;
    const auto letter = argument.find_first_of("cmWX", 1);
    if (letter == std::string_view::npos) continue;
    if (argument[letter] == 'c') break;
    const bool is_joined = letter + 1 < argument.size();
    if (argument[letter] == 'm') {
      if (is_joined) return std::string(argument.substr(letter + 1));
      return i + 1 < arguments.size() ? arguments[i + 1] : "python";
    }
    if (!is_joined) ++i;
  }
  return "python";
}

std::string node_name(const ProcessInfo& process) {
  const auto* script = first_plain(process, {"-r", "--require", "--import", "--loader"},
                                   {"-e", "--eval", "-p", "--print", "-pe"});
  return script ? script_name(*script, process) : "node";
}

std::string java_name(const ProcessInfo& process) {
  if (const auto* jar = value_of(process, "-jar")) {
    return std::string(without_extension(base_name(*jar)));
  }
  if (const auto* main_class =
          first_plain(process, {"-cp", "-classpath", "--class-path", "-p", "--module-path",
                                "--add-modules", "--add-opens", "--add-exports", "--add-reads"})) {
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

// OTEL_RESOURCE_ATTRIBUTES of the traced process: key=value,key=value with %-escapes left as they
// are when malformed.
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

void add_executable(const ExecutableInfo& executable, Resource& resource) {
  set(resource, "process.executable.build_id.gnu", executable.build_id);
  if (executable.go_version.empty()) return;
  // What the linker recorded beats a guess from the file's name.
  set(resource, "process.runtime.name", "go");
  set(resource, "process.runtime.version", executable.go_version);
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

// The name that the program was started by, where its file has another one (redis-server is a link
// to redis-check-rdb): the kernel keeps its beginning, the command line all of it.
std::string_view started_as(const ProcessInfo& process) {
  constexpr size_t kCommandLength = 15;
  if (process.arguments.empty()) return {};
  const std::string_view first = process.arguments.front();
  const auto name = base_name(first.substr(0, first.find_first_of(" :")));
  const bool is_command = !name.empty() && name.substr(0, kCommandLength) == process.command;
  return is_command ? name : std::string_view();
}

// Event loops whose read callback runs a request's handler then and there. Others queue it first.
bool runs_to_completion(const ProcessInfo& process) {
  return base_name(process.executable) == "nginx" || runtime_of(process) == "nodejs";
}

std::string service_name_of(const ProcessInfo& process) {
  if (!process.otel_service_name.empty()) return process.otel_service_name;
  const auto runtime = runtime_of(process);
  std::string program;
  if (!process.arguments.empty()) {
    if (runtime == "cpython") program = python_name(process);
    if (runtime == "nodejs") program = node_name(process);
    if (runtime == "openjdk") program = java_name(process);
  }
  // Empty where the process has written over its command line.
  if (!program.empty()) return program;
  if (const auto name = started_as(process); !name.empty()) return std::string(name);
  const auto name = base_name(process.executable);
  if (!name.empty()) return std::string(name);
  return process.command.empty() ? "unknown_service" : process.command;
}

std::shared_ptr<const Resource> make_resource(const ProcessInfo& process,
                                              const ResourceSettings& settings,
                                              const std::string& rule_name,
                                              const ExecutableInfo* executable) {
  auto resource = std::make_shared<Resource>();
  resource->process_id = process.pid;
  resource->runs_to_completion = runs_to_completion(process);
  set(*resource, "service.name", service_name_of(process));
  set(*resource, "process.pid", int64_t{process.pid});
  set(*resource, "process.executable.name",
      std::string(base_name(process.executable.empty() ? process.command : process.executable)));
  set(*resource, "process.executable.path", process.executable);
  set(*resource, "process.runtime.name", std::string(runtime_of(process)));
  if (executable) add_executable(*executable, *resource);
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
  const auto name = std::ranges::find(resource->attributes, "service.name", &Resource::Entry::key);
  resource->service_name = name->text;
  return resource;
}

}  // namespace clew
