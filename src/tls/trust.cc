#include <fmt/format.h>

#include "tls/authority.h"

namespace minato::tls {

std::string trust_instructions(const Authority& authority, const std::string& url) {
  constexpr std::string_view kText =
      R"(Certificates of this world are signed by a local authority that only this machine has:
  {file}
  SHA-256 {fingerprint}

Anyone who can read its key (ca.key beside it) can make certificates that you would believe.
Trusting it for single commands is safest:
  curl --cacert {file} {url}

For all programs of this machine (Debian, Ubuntu; as root):
  install -m 0644 {file} /usr/local/share/ca-certificates/minato-local.crt
  update-ca-certificates
Undo:
  rm /usr/local/share/ca-certificates/minato-local.crt
  update-ca-certificates --fresh

Chrome and Chromium (package libnss3-tools):
  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n "minato local authority" -i {file}
Undo:
  certutil -d sql:$HOME/.pki/nssdb -D -n "minato local authority"

Firefox: Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import; choose
the file above and tick "Trust this CA to identify websites". Compare the fingerprint.
Undo: the same list, select "minato local authority", Delete or Distrust.
)";
  return fmt::format(kText, fmt::arg("file", authority.certificate_file()),
                     fmt::arg("fingerprint", authority.fingerprint()), fmt::arg("url", url));
}

}  // namespace minato::tls
