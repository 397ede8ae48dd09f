#include "symbolizer/executable.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "agent/base/bytes.h"
#include "symbolizer/go_build_info.h"

namespace clew {
namespace {

using namespace std::string_view_literals;

constexpr size_t kMaxChunk = 64 << 10;  // of a note, of section names, of build information
constexpr int kMaxNotes = 16;
constexpr size_t kMaxBuildId = 64;
constexpr auto kGoSection = ".go.buildinfo\0"sv;

using ElfHandle = std::unique_ptr<Elf, int (*)(Elf*)>;

template <typename Header>
bool has_extended_numbering(const uint8_t* bytes) {
  Header header;
  std::memcpy(&header, bytes, sizeof(header));
  return header.e_phnum == PN_XNUM || (header.e_shnum == 0 && header.e_shoff != 0);
}

// Keeps from libelf what it would spend on without bound. A table of more than 65,000 entries has
// its size elsewhere than in this header, and libelf allocates what it claims if only the file is
// as large as that, which a sparse file is for nothing; no linker makes such executables.
Result<> check_header(int fd) {
  struct stat status{};
  if (fstat(fd, &status) != 0) return system_error("cannot look at the executable", errno);
  if (!S_ISREG(status.st_mode)) return failure("the executable is no regular file");
  alignas(Elf64_Ehdr) std::array<uint8_t, sizeof(Elf64_Ehdr)> bytes{};
  const ssize_t length = pread(fd, bytes.data(), bytes.size(), 0);
  if (length < 0) return system_error("cannot read the executable", errno);
  if (std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0) return failure("no ELF file");
  constexpr int kByteOrder = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  if (bytes[EI_DATA] != kByteOrder) return failure("an ELF file of a foreign byte order");
  const bool wide = bytes[EI_CLASS] == ELFCLASS64;
  if (!wide && bytes[EI_CLASS] != ELFCLASS32) return failure("an ELF file of an unknown class");
  const size_t need = wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
  if (static_cast<size_t>(length) < need) return failure("an ELF file cut off in its header");
  if (wide ? has_extended_numbering<Elf64_Ehdr>(bytes.data())
           : has_extended_numbering<Elf32_Ehdr>(bytes.data())) {
    return failure("an ELF file with too many sections or segments");
  }
  return {};
}

// At most kMaxChunk of the range; null if the file does not hold it.
Elf_Data* chunk(Elf* elf, uint64_t offset, uint64_t size, Elf_Type type) {
  return elf_getdata_rawchunk(elf, static_cast<int64_t>(offset),
                              std::min<uint64_t>(size, kMaxChunk), type);
}

ByteView view(const Elf_Data* data) {
  if (data == nullptr || data->d_buf == nullptr) return {};
  return {static_cast<const uint8_t*>(data->d_buf), data->d_size};
}

std::string hex(ByteView bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string build_id_in(Elf_Data* notes) {
  const ByteView bytes = view(notes);
  if (bytes.empty()) return {};
  constexpr auto kOwner = "GNU\0"sv;
  GElf_Nhdr note{};
  size_t name = 0, content = 0;
  for (size_t at = 0; (at = gelf_getnote(notes, at, &note, &name, &content)) > 0;) {
    if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != kOwner.size()) continue;
    if (as_text(bytes.subspan(name, kOwner.size())) != kOwner) continue;
    if (note.n_descsz > kMaxBuildId) continue;
    return hex(bytes.subspan(content, note.n_descsz));
  }
  return {};
}

class Reader {
 public:
  explicit Reader(Elf* elf) : elf_(elf) {}

  ExecutableInfo read() {
    read_segments();
    read_sections();
    return std::move(info_);
  }

 private:
  void read_notes(uint64_t offset, uint64_t size, uint64_t alignment) {
    if (!info_.build_id.empty() || ++notes_ > kMaxNotes) return;
    info_.build_id =
        build_id_in(chunk(elf_, offset, size, alignment == 8 ? ELF_T_NHDR8 : ELF_T_NHDR));
  }

  void read_segments() {
    size_t count = 0;
    if (elf_getphdrnum(elf_, &count) != 0) return;
    for (size_t i = 0; i < count; ++i) {
      GElf_Phdr segment;
      if (gelf_getphdr(elf_, static_cast<int>(i), &segment) == nullptr) return;
      if (segment.p_type != PT_NOTE) continue;
      read_notes(segment.p_offset, segment.p_filesz, segment.p_align);
    }
  }

  // The build id again: Go's own linker leaves it out of the segment of notes.
  void read_sections() {
    const auto names = section_names();
    for (Elf_Scn* at = nullptr; (at = elf_nextscn(elf_, at)) != nullptr;) {
      GElf_Shdr section;
      if (gelf_getshdr(at, &section) == nullptr) return;
      if (section.sh_type == SHT_NOTE && (section.sh_flags & SHF_ALLOC) != 0) {
        read_notes(section.sh_offset, section.sh_size, section.sh_addralign);
      } else if (section.sh_type == SHT_PROGBITS && names.size() > section.sh_name &&
                 names.substr(section.sh_name).starts_with(kGoSection)) {
        read_go(section);
      }
    }
  }

  std::string_view section_names() {
    size_t index = 0;
    GElf_Shdr section;
    if (elf_getshdrstrndx(elf_, &index) != 0 || index == SHN_UNDEF) return {};
    if (gelf_getshdr(elf_getscn(elf_, index), &section) == nullptr) return {};
    if (section.sh_type != SHT_STRTAB) return {};
    return as_text(view(chunk(elf_, section.sh_offset, section.sh_size, ELF_T_BYTE)));
  }

  void read_go(const GElf_Shdr& section) {
    auto go =
        parse_go_build_info(view(chunk(elf_, section.sh_offset, section.sh_size, ELF_T_BYTE)));
    info_.go_version = std::move(go.version);
    info_.go_module = std::move(go.module);
  }

  Elf* elf_;
  ExecutableInfo info_;
  int notes_ = 0;
};

}  // namespace

Result<ExecutableInfo> read_executable(int fd) {
  CLEW_TRY(check_header(fd));
  elf_version(EV_CURRENT);
  // Reads rather than maps: a mapped file that is cut off meanwhile ends in SIGBUS.
  const ElfHandle elf(elf_begin(fd, ELF_C_READ, nullptr), elf_end);
  GElf_Ehdr header;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr) {
    return failure(fmt::format("cannot read the ELF file: {}", elf_errmsg(-1)));
  }
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
    return failure("an ELF file that is no executable");
  }
  return Reader(elf.get()).read();
}

Result<ExecutableInfo> read_executable(const std::string& path) {
  // A pipe in the file's place must not hold up the caller.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return system_error("cannot open " + path, errno);
  auto info = read_executable(fd);
  close(fd);
  return info;
}

}  // namespace clew
