//! How command lines are made of each flag: one rule a flag, for all that `send` has.

use How::{Alone, Ours, Switch, Untried, Values, Words};

/// How a flag is tried.
pub enum How {
    /// By itself.
    Switch,
    /// With one of these values.
    Values(&'static [&'static str]),
    /// Together with other words, which make it mean something.
    Words(&'static [&'static [&'static str]]),
    /// In these command lines only, and among no others.
    Alone(&'static [&'static [&'static str]]),
    /// curl has no such flag.
    Ours,
    /// It cannot be compared, for this reason.
    Untried(#[allow(dead_code, reason = "it is for the reader")] &'static str),
}

const P: &str = "http://plain.test/";
const T: &str = "https://tls.test/";

#[rustfmt::skip]
pub const RULES: &[(&str, How)] = &[
    // the request
    ("request", Values(&["DELETE", "PUT", "PATCH", "OPTIONS", "post", "GET"])),
    ("header", Values(&["X-A: 1", "X-Empty;", "X-Gone:", "Accept:", "Accept: a/b", "Content-Type: text/plain", "Content-Type:", "@../f/headers", "Host: other.example", "User-Agent: me", "", "X-Two: a, b", "Cookie: own=1", "Authorization: Key abc", "X-Spaces:   padded  ", "Connection: close", "Referer: there"])),
    ("user", Values(&["me:pass", "me:", ":pass", "m:p:q", "é:ü"])),
    ("oauth2-bearer", Values(&["token", ""])),
    ("user-agent", Values(&["agent", "", "a b/1.0"])),
    ("referer", Values(&["http://from.example/", ""])),
    ("cookie", Values(&["a=b", "a=b; c=d", "x=1;y=2"])),
    ("range", Values(&["0-3", "5-", "-2", "0-1,4-5"])),
    ("head", Switch),
    ("get", Switch),
    ("url", Values(&["http://plain.test/by-flag", "http://plain.test/status/404"])),
    ("url-query", Values(&["a=b c", "+raw=a b", "@../f/lines", "name@../f/lines", "lone", "=x=y", "é=ü"])),
    ("globoff", Words(&[&["-g", "http://plain.test/{a}[1-2]"], &["-g"]])),
    ("path-as-is", Words(&[&["--path-as-is", "http://plain.test/a/../b/./c"], &["--path-as-is"]])),
    ("request-target", Words(&[&["--request-target", "/elsewhere?x=1"], &["--request-target", "*", "-X", "OPTIONS"]])),
    ("time-cond", Values(&["Tue, 05 Mar 2019 10:20:30 GMT", "-Tue, 05 Mar 2019 10:20:30 GMT", "=1 jan 2020", "20200101", "-1 jan 2018", "../f/lines-not-there"])),
    ("etag-compare", Words(&[&["--etag-compare", "../f/etag", "http://plain.test/tagged"], &["--etag-compare", "../f/empty", "http://plain.test/tagged"], &["--etag-compare", "../f/no-such-file", "http://plain.test/tagged"]])),
    ("etag-save", Words(&[&["--etag-save", "tag", "http://plain.test/tagged"], &["--etag-save", "tag", "http://plain.test/"]])),
    ("aws-sigv4", Words(&[&["--aws-sigv4", "aws:amz:eu-west-1:service", "-u", "key:secret"]])),

    // the body
    ("data", Values(&["a", "b=c", "", "@../f/lines", "@../f/binary", "@-", "{\"a\": \"b\"}", "é", "@../f/empty"])),
    ("data-ascii", Values(&["x=y", "@../f/lines"])),
    ("data-raw", Values(&["@no-file", "a=b", ""])),
    ("data-binary", Values(&["@../f/binary", "@../f/lines", "x", "@-", "@../f/large", "@../f/empty"])),
    ("data-urlencode", Values(&["a b", "=a b=c", "n m=a b&=+%~é/", "@../f/lines", "name@../f/lines", "n@m=x", "=", "name=", "-._~!*'()"])),
    ("json", Values(&["{\"a\":1}", "@../f/lines", "", "[1,", "2]"])),
    ("form", Values(&["a=b", "file=@../f/photo.png", "two=@../f/page.html;type=text/plain", "named=@../f/lines;filename=other.txt", "text=<../f/lines", "empty=", "q=\"a;b\";type=text/x", "\"odd\"=1", "many=@../f/lines,../f/page.html", "in=@-", "h=x;headers=\"X-Part: 1\"", "bin=@../f/binary", "no-equals"])),
    ("form-string", Values(&["a=@b", "a=<c;type=x", "plain=text"])),
    ("form-escape", Words(&[&["--form-escape", "-F", "a\"b=c", "-F", "f=@../f/lines;filename=x\"y"]])),
    ("upload-file", Values(&["../f/lines", "../f/binary", "-", "../f/large", ".", "../f/empty", "../f/no-such-file"])),
    ("expect100-timeout", Values(&["1", "0.5"])),
    ("ignore-content-length", Alone(&[&["--ignore-content-length", "http://plain.test/until-close"], &["--ignore-content-length", "http://plain.test/early"], &["--ignore-content-length", "http://plain.test/chunked"]])),

    // cookies
    ("cookie-jar", Words(&[&["-c", "jar", "http://plain.test/cookies"], &["-c", "-", "http://plain.test/cookies"], &["-c", "jar", "-b", "../f/jar", "http://plain.test/cookies"], &["-c", "jar", "-b", "x=y", "-L", "http://plain.test/cookies-then"], &["-c", "no/such/folder", "http://plain.test/cookies"]])),
    ("junk-session-cookies", Words(&[&["-j", "-b", "../f/jar"], &["-j", "-b", "../f/jar", "-c", "jar", "http://plain.test/cookies"]])),

    // redirects
    ("location", Words(&[&["-L", "http://plain.test/redirect/302"], &["-L", "http://plain.test/redirect/301", "-d", "x"], &["-L", "http://plain.test/redirect/303", "-d", "x"], &["-L", "http://plain.test/redirect/307", "-d", "x"], &["-L", "http://plain.test/redirect/308", "-d", "x"], &["-L", "http://plain.test/redirect/302?relative?a=b#c"], &["-L", "http://plain.test/redirect/302", "-X", "PUT", "-d", "x"], &["-L", "http://plain.test/redirect/301", "-I"], &["-L", "http://plain.test/redirect/302?https://tls.test/there", "--cacert", "../f/ca.pem", "-H", "X-A: 1", "-u", "a:b"], &["-L", "http://plain.test/cookies-then", "-b", "a=b"], &["-L"]])),
    ("max-redirs", Words(&[&["-L", "--max-redirs", "0", "http://plain.test/redirect/302"], &["-L", "--max-redirs", "3", "http://plain.test/loop"], &["--max-redirs", "5"], &["--max-redirs", "x"]])),
    ("post301", Words(&[&["-L", "--post301", "-d", "x", "http://plain.test/redirect/301"]])),
    ("post302", Words(&[&["-L", "--post302", "-d", "x", "http://plain.test/redirect/302"]])),
    ("post303", Words(&[&["-L", "--post303", "-d", "x", "http://plain.test/redirect/303"]])),
    ("follow", Untried("the installed curl is older than the flag")),
    ("proto", Words(&[&["--proto", "=http"], &["--proto", "=https"], &["--proto", "-all,http,https"], &["--proto", "nonsense"]])),
    ("proto-default", Values(&["http", "https"])),
    ("proto-redir", Words(&[&["-L", "--proto-redir", "=https", "http://plain.test/redirect/302"], &["-L", "--proto-redir", "=http", "http://plain.test/redirect/302"]])),
    ("disallow-username-in-url", Words(&[&["--disallow-username-in-url"], &["--disallow-username-in-url", "http://a:b@127.0.0.1:PLAINPORT/"]])),

    // the way there
    ("max-time", Words(&[&["-m", "9"], &["-m", "0.3", "http://plain.test/slow"], &["-m", "abc"], &["-m", "0"]])),
    ("connect-timeout", Values(&["9", "0", "2.5", "x"])),
    ("insecure", Words(&[&["-k", "https://tls.test/insecure"], &["-k"]])),
    ("cacert", Words(&[&["--cacert", "../f/ca.pem", "https://tls.test/trusted"], &["--cacert", "../f/other-ca.pem", "https://tls.test/other"], &["--cacert", "../f/no-such-file", "https://tls.test/"], &["--cacert", "../f/ca.pem"]])),
    ("capath", Words(&[&["--capath", "../f", "-k", "https://tls.test/"]])),
    ("cert", Words(&[&["--cacert", "../f/mutual-ca.pem", "-E", "../f/client-both.pem", "https://mutual.test/"], &["--cert", "../f/client-both.pem"], &["-E", "../f/no-such-file", "-k", "https://tls.test/"]])),
    ("key", Words(&[&["--cacert", "../f/mutual-ca.pem", "-E", "../f/client.pem", "--key", "../f/client.key", "https://mutual.test/keyed"], &["-k", "-E", "../f/client.pem", "--key", "../f/no-such-file", "https://tls.test/"]])),
    ("pass", Words(&[&["--cacert", "../f/mutual-ca.pem", "-E", "../f/client.pem", "--key", "../f/client.key", "--pass", "not needed", "https://mutual.test/"]])),
    ("cert-type", Words(&[&["--cacert", "../f/mutual-ca.pem", "-E", "../f/client-both.pem", "--cert-type", "PEM", "https://mutual.test/"]])),
    ("key-type", Words(&[&["--cacert", "../f/mutual-ca.pem", "-E", "../f/client.pem", "--key", "../f/client.key", "--key-type", "PEM", "https://mutual.test/"]])),
    ("pinnedpubkey", Words(&[&["-k", "--pinnedpubkey", "../f/pinned.pem", "https://tls.test/pinned"], &["-k", "--pinnedpubkey", "../f/no-such-file", "https://tls.test/"], &["--pinnedpubkey", "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="], &["-k", "--pinnedpubkey", "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "https://tls.test/"]])),
    ("crlfile", Words(&[&["--cacert", "../f/ca.pem", "--crlfile", "../f/revokes-nobody.pem", "https://tls.test/"], &["--cacert", "../f/ca.pem", "--crlfile", "../f/no-such-file", "https://tls.test/"]])),
    ("cert-status", Words(&[&["--cacert", "../f/ca.pem", "--cert-status", "https://tls.test/"]])),
    ("tlsv1", Words(&[&["-1", "-k", "https://tls.test/"], &["--tlsv1"]])),
    ("tlsv1.0", Words(&[&["--tlsv1.0", "-k", "https://tls.test/"], &["--tlsv1.0"]])),
    ("tlsv1.1", Words(&[&["--tlsv1.1", "-k", "https://tls.test/"]])),
    ("tlsv1.2", Words(&[&["--tlsv1.2", "-k", "https://tls.test/"], &["--tlsv1.2", "--proto", "=https", "-sSf", "-k", "https://tls.test/"]])),
    ("tlsv1.3", Words(&[&["--tlsv1.3", "-k", "https://tls.test/"], &["--tlsv1.3"]])),
    ("tls-max", Words(&[&["--tls-max", "1.2", "-k", "https://tls.test/"], &["--tls-max", "1.3", "-k", "https://tls.test/"], &["--tls-max", "9", "-k", "https://tls.test/"], &["--tls-max", "1.1", "-k", "https://tls.test/"]])),
    ("no-alpn", Words(&[&["--no-alpn", "-k", "https://tls.test/"]])),
    ("resolve", Words(&[&["--resolve", "named.test:PLAINPORT:127.0.0.1", "http://named.test:PLAINPORT/"], &["--resolve", "named.test:TLSPORT:127.0.0.1", "-k", "https://named.test:TLSPORT/"], &["--resolve", "x"]])),
    ("connect-to", Words(&[&["--connect-to", "named.test:80:127.0.0.1:PLAINPORT", "http://named.test/"], &["--connect-to", "x"]])),
    ("http1.0", Words(&[&["-0"], &["-0", "-d", "x"], &["-0", "-k", "https://tls.test/"]])),
    ("http1.1", Words(&[&["--http1.1"], &["--http1.1", "-k", "https://tls.test/"]])),
    ("http2", Words(&[&["--http2", "-k", "https://tls.test/"], &["--http2"]])),
    ("http2-prior-knowledge", Words(&[&["--http2-prior-knowledge", "-k", "https://tls.test/"]])),
    ("http3", Untried("the installed curl has no HTTP/3")),
    ("http3-only", Untried("the installed curl has no HTTP/3")),
    ("ipv4", Switch),
    ("ipv6", Words(&[&["-6", "http://127.0.0.1:PLAINPORT/"]])),
    ("happy-eyeballs-timeout-ms", Values(&["100", "x"])),
    ("interface", Values(&["lo", "127.0.0.1", "no-such-interface"])),
    ("local-port", Values(&["30000-39000", "x", "9-8"])),
    ("unix-socket", Words(&[&["--unix-socket", "no-such-socket"], &["--unix-socket", "../f/socket", "http://anything.test/local"], &["--unix-socket", "../f/socket", "-x", "http://proxy.test", "-d", "a=b", "http://anything.test/local"]])),
    ("abstract-unix-socket", Words(&[&["--abstract-unix-socket", "no-such-socket"]])),
    ("keepalive-time", Values(&["30", "x"])),
    ("keepalive-cnt", Untried("the installed curl is older than the flag")),
    ("no-keepalive", Switch),
    ("tcp-nodelay", Switch),

    // proxies
    ("proxy", Words(&[&["-x", "http://proxy.test"], &["-x", "http://proxy.test", "-k", "https://tls.test/tunnelled"], &["-x", "proxy.test"], &["-x", "socks5://proxy.test"], &["-x", "socks5h://proxy.test"], &["-x", "http://a:b@proxy.test"], &["-x", "socks5://a:b@proxy.test"], &["-x", "nonsense://proxy.test"], &["-x", ""]])),
    ("proxy-user", Words(&[&["-x", "http://proxy.test", "-U", "me:pass"], &["-x", "http://proxy.test", "-U", "me:pass", "-k", "https://tls.test/"]])),
    ("proxytunnel", Words(&[&["-p", "-x", "http://proxy.test"]])),
    ("noproxy", Words(&[&["-x", "http://proxy.test", "--noproxy", "127.0.0.1"], &["-x", "http://proxy.test", "--noproxy", "*"], &["-x", "http://proxy.test", "--noproxy", "example.org,other"]])),
    ("proxy-header", Words(&[&["-x", "http://proxy.test", "--proxy-header", "X-Proxy: 1"], &["-x", "http://proxy.test", "--proxy-header", "X-Proxy: 1", "-k", "https://tls.test/"]])),
    ("proxy-basic", Words(&[&["-x", "http://proxy.test", "-U", "me:pass", "--proxy-basic"]])),
    ("proxy-cacert", Words(&[&["-x", "https://localhost:TLSPORT", "--proxy-cacert", "../f/no-such-file"]])),
    ("proxy-cert", Words(&[&["-x", "https://localhost:TLSPORT", "--proxy-cert", "../f/no-such-file"]])),
    ("proxy-key", Words(&[&["-x", "http://proxy.test", "--proxy-key", "../f/client.key"]])),
    ("proxy-http2", Untried("the installed curl is older than the flag")),
    ("suppress-connect-headers", Words(&[&["-i", "-x", "http://proxy.test", "-k", "https://tls.test/", "--suppress-connect-headers"], &["-i", "-x", "http://proxy.test", "-k", "https://tls.test/"]])),
    ("socks5", Words(&[&["--socks5", "proxy.test"]])),
    ("socks5-hostname", Words(&[&["--socks5-hostname", "proxy.test", "http://localhost:PLAINPORT/"]])),

    // authentication
    ("basic", Words(&[&["--basic", "-u", "me:pass"], &["--basic"]])),
    ("digest", Words(&[&["--digest", "-u", "me:pass", "http://plain.test/auth/digest"], &["--digest", "-u", "me:pass", "-d", "x=y", "http://plain.test/auth/digest"], &["--digest", "-u", "me:pass"], &["--digest"], &["--digest", "-u", "me:pass", "http://plain.test/auth/digest-md5?a=b"], &["--digest", "-u", "me:pass", "http://plain.test/auth/digest-sess"], &["--digest", "-u", "me:pass", "http://plain.test/auth/digest-256-sess"], &["--digest", "-u", "me:pass", "http://plain.test/auth/digest-old"], &["--digest", "-u", "me:pass", "http://plain.test/auth/digest-stale"], &["--digest", "-u", "me:pass", "-L", "http://plain.test/auth/digest-moved"], &["--digest", "-u", "me:pass", "http://plain.test/auth/digest", "http://plain.test/auth/digest"], &["--digest", "-u", "me:pass", "-T", "../f/lines", "http://plain.test/auth/digest"], &["--digest", "-u", "me:pass", "-T", "-", "http://plain.test/auth/digest"], &["--digest", "-u", "me:pass", "-F", "a=b", "http://plain.test/auth/digest"], &["--digest", "-u", "me:pass", "-i", "-X", "DELETE", "http://plain.test/auth/digest"], &["--digest", "-u", "me:pass", "-I", "http://plain.test/auth/digest"], &["--digest", "-u", "me:pass", "http://plain.test/auth/basic"], &["--digest", "-u", "me:pass", "-k", "-d", "x", "https://tls.test/auth/digest"], &["--digest", "-u", "me:pass", "-x", "http://proxy.test", "http://plain.test/auth/digest"], &["--digest", "-u", "me:pass", "-d", "@../f/large", "http://plain.test/auth/digest"], &["--digest", "-u", "me:wrong", "http://plain.test/auth/digest"], &["--digest", "http://me:pass@127.0.0.1:PLAINPORT/auth/digest"]])),
    ("ntlm", Words(&[&["--ntlm", "-u", "me:pass"], &["--ntlm"], &["--ntlm", "-u", "DOM\\me:pass", "http://plain.test/auth/ntlm"], &["--ntlm", "-u", "me:pass", "-d", "x=y", "http://plain.test/auth/ntlm"], &["--ntlm", "-u", "me:pass", "http://plain.test/auth/ntlm", "http://plain.test/one"], &["--ntlm", "-u", "me:pass", "-T", "../f/lines", "http://plain.test/auth/ntlm"], &["--ntlm", "-u", "me:pass", "http://plain.test/auth/basic"], &["--ntlm", "-u", "me:pass", "-L", "http://plain.test/auth/ntlm-moved"]])),
    ("anyauth", Words(&[&["--anyauth", "-u", "me:pass", "http://plain.test/auth/basic"], &["--anyauth", "-u", "me:pass", "http://plain.test/auth/digest"], &["--anyauth", "-u", "me:pass"], &["--anyauth", "-u", "me:pass", "http://plain.test/auth/any"], &["--anyauth", "-u", "me:pass", "-d", "x", "http://plain.test/auth/any"], &["--anyauth", "-u", "me:pass", "-d", "x", "http://plain.test/auth/ntlm"], &["--anyauth", "-u", "me:wrong", "http://plain.test/auth/basic"], &["--anyauth", "--no-digest", "-u", "me:pass", "http://plain.test/auth/any"], &["--basic", "--digest", "-u", "me:pass", "http://plain.test/auth/any"]])),

    // what is done with the answer
    ("output", Words(&[&["-o", "out"], &["-o", "out", "http://plain.test/binary"], &["-o", "-"], &["-o", "no-folder/x"], &["-o", "out", "http://plain.test/status/404"], &["-o", "out", "http://plain.test/none"]])),
    ("remote-name", Words(&[&["-O", "http://plain.test/named/file.txt"], &["-O", "http://plain.test/"], &["-O", "http://plain.test/a/b.bin?x=y#z"]])),
    ("remote-header-name", Words(&[&["-J", "-O", "http://plain.test/named/x"], &["-J", "-O", "http://plain.test/x"], &["-J", "-O", "-i", "http://plain.test/named/x"]])),
    ("remote-name-all", Words(&[&["--remote-name-all", "http://plain.test/one", "http://plain.test/two"]])),
    ("output-dir", Words(&[&["--output-dir", "below", "--create-dirs", "-o", "out"], &["--output-dir", "below", "-o", "out"], &["--output-dir", ".", "-O", "http://plain.test/file"]])),
    ("create-dirs", Words(&[&["--create-dirs", "-o", "new/er/out"]])),
    ("create-file-mode", Words(&[&["--create-file-mode", "0600", "-o", "out"], &["--create-file-mode", "9", "-o", "out"]])),
    ("no-clobber", Words(&[&["--no-clobber", "-o", "part"], &["--no-clobber", "-o", "new"]])),
    ("skip-existing", Untried("the installed curl is older than the flag")),
    ("remove-on-error", Words(&[&["--remove-on-error", "-o", "out", "http://plain.test/early"], &["--remove-on-error", "-o", "out"]])),
    ("remote-time", Words(&[&["-R", "-o", "out", "http://plain.test/dated"], &["-R", "-O", "http://plain.test/dated"]])),
    ("continue-at", Words(&[&["-C", "4", "http://plain.test/range"], &["-C", "-", "-o", "part", "http://plain.test/range"], &["-C", "99", "http://plain.test/range"], &["-C", "4", "-T", "../f/lines"], &["-C", "4", "-o", "part", "http://plain.test/"]])),
    ("dump-header", Words(&[&["-D", "heads"], &["-D", "-"], &["-D", "heads", "-L", "http://plain.test/redirect/302"], &["-D", "no/such/folder"], &["-D", "heads", "-i"]])),
    ("include", Words(&[&["-i"], &["-i", "http://plain.test/trailers"], &["-i", "http://plain.test/interim"], &["-i", "-L", "http://plain.test/redirect/302"], &["-i", "http://plain.test/no-reason"], &["-i", "-k", "https://tls.test/"], &["-i", "http://plain.test/http10"]])),
    ("fail", Words(&[&["-f", "http://plain.test/status/404"], &["-f", "http://plain.test/status/500", "-o", "out"], &["-f"], &["-f", "-L", "http://plain.test/redirect/302?/status/404"]])),
    ("fail-with-body", Words(&[&["--fail-with-body", "http://plain.test/status/404"], &["--fail-with-body"], &["-f", "--fail-with-body"]])),
    ("fail-early", Words(&[&["--fail-early", "-f", "http://plain.test/status/404", "http://plain.test/after-it"]])),
    ("write-out", Values(&["%{http_code} %{size_download} %{num_redirects}\\n", "%{method} %{url_effective} %{content_type}\\n", "%{num_connects} %{num_headers} %{scheme} %{http_version}", "|%{exitcode}|%{filename_effective}", "%header{x-kind}", "%{size_header} %{size_upload} %{response_code}%%\\t\\r\\n", "%{stderr}to stderr%{stdout}to stdout", "%{url}", "%{nonsense}x", "%{remote_ip} %{local_ip}", "%{errormsg}|", "100%", "\\q%x"])),
    ("compressed", Alone(&[])),
    ("raw", Words(&[&["--raw", "http://plain.test/chunked"], &["--raw"]])),
    ("no-buffer", Switch),
    ("verbose", Switch),
    ("silent", Switch),
    ("show-error", Switch),
    ("no-progress-meter", Switch),
    ("progress-bar", Switch),
    ("stderr", Words(&[&["-sS", "--stderr", "-", "http://plain.test/"], &["-s", "--stderr", "told"]])),
    ("trace", Alone(&[])),
    ("trace-ascii", Alone(&[])),
    ("trace-time", Switch),
    ("styled-output", Switch),
    ("max-filesize", Words(&[&["--max-filesize", "1", "http://plain.test/big"], &["--max-filesize", "1M"], &["--max-filesize", "1", "http://plain.test/until-close"]])),
    ("limit-rate", Values(&["1M", "10k", "x"])),
    ("speed-limit", Values(&["1", "x"])),
    ("speed-time", Values(&["5", "x"])),
    ("rate", Words(&[&["--rate", "100/s", "http://plain.test/a", "http://plain.test/b"], &["--rate", "x"]])),

    // again, and several
    ("retry", Words(&[&["--retry", "1", "--retry-delay", "1", "http://plain.test/once/503"], &["--retry", "1", "http://plain.test/after"], &["--retry", "2", "http://plain.test/status/404"], &["--retry", "0", "http://plain.test/status/503"], &["--retry", "x"]])),
    ("retry-all-errors", Words(&[&["--retry-all-errors", "--retry", "1", "--retry-delay", "1", "-f", "http://plain.test/once/404"]])),
    ("retry-connrefused", Words(&[&["--retry-connrefused", "--retry", "1", "--retry-delay", "1", "http://127.0.0.1:1/"]])),
    ("retry-delay", Words(&[&["--retry", "1", "--retry-delay", "1", "http://plain.test/once/502"], &["--retry-delay", "x"]])),
    ("retry-max-time", Words(&[&["--retry", "1", "--retry-max-time", "9", "--retry-delay", "1", "http://plain.test/once/500"]])),
    ("next", Words(&[&["http://plain.test/first", "--next", "-d", "x"], &["-H", "X-First: 1", "http://plain.test/first", "-:", "http://plain.test/second"], &["-X", "PUT", "http://plain.test/first", "-o", "out", "--next", "-G", "-d", "q=1"], &["--next"]])),
    ("parallel", Alone(&[&["-Z", "http://plain.test/one"]])),
    ("parallel-immediate", Switch),
    ("parallel-max", Values(&["5"])),
    ("parallel-max-host", Untried("the installed curl is older than the flag")),
    ("disable", Switch),

    // subrosa's own
    ("with", Ours), ("keep", Ours), ("refs", Ours), ("expand-files", Ours), ("mask", Ours), ("unmask", Ours),
    ("audit", Ours), ("profile", Ours), ("vault", Ours), ("key-file", Ours), ("passphrase", Ours),
    ("passphrase-file", Ours), ("recovery", Ours), ("keychain", Ours), ("ask", Ours), ("color", Ours),
    ("explain", Ours), ("explain-json", Ours), ("capture", Ours), ("cache", Ours), ("refresh", Ours), ("certs", Ours), ("vault-literal", Ours),
    ("help", Untried("each shows its own")),
];

/// Command lines that are about no flag: how words are read, and what servers do.
#[rustfmt::skip]
pub const PLAIN: &[&[&str]] = &[
    &[P], &["http://plain.test"], &[T, "-k"], &["-sXPUT", "http://plain.test/a"], &["-XPATCH", "-dx", P], &["-d@../f/lines", P],
    &["-HX:1", P], &["http://plain.test/{a}/languages"], &["http://plain.test/{a,b}/[1-2]"], &["http://plain.test/[01-10:3]"], &["http://plain.test/[a-c]"],
    &["http://plain.test/\\{a\\}"], &["http://plain.test/{a,b}", "-d", "x"], &["http://plain.test/é"], &["http://plain.test/#fragment"],
    &["http://plain.test/a/../b/./c"], &["http://plain.test/?a='b'&c=\"d\""], &["http://plain.test/{a,b}", "-o", "out_#1"], &["http://plain.test/[1-3]", "-o", "#1.txt"],
    &["http://plain.test/{{app}}"], &["http://plain.test/{a"], &["http://plain.test/a b"], &["http://plain.test/[3-1]"], &["-G", "-d", "a b", P],
    &["-G", "-d", "a=b", "--url-query", "c=d", P],
    &["-X"], &["--nosuch", P], &["--request=PUT", P], &["-"], &[P, "-"], &["http://127.0.0.1:1/"], &["http://nowhere.invalid/"],
    &["http://plain.test/empty"], &["http://plain.test/early"], &["http://plain.test/early", "-o", "out"], &["http://plain.test/garbage"], &["http://plain.test/until-close"],
    &["http://plain.test/chunked"], &["http://plain.test/trailers"], &["http://plain.test/big"], &["http://plain.test/none"], &["http://plain.test/interim"], &["http://plain.test/http10"],
    &["http://plain.test/compressed/gzip"], &["http://plain.test/one", "http://plain.test/two", "http://plain.test/three"], &["http://plain.test/one", "http://plain.test/until-close", "http://plain.test/two"],
    &["http://plain.test/one", "-o", "a", "http://plain.test/two", "-o", "b"], &["http://plain.test/one", "http://plain.test/status/404", "-f"], &["http://plain.test/status/404", "http://plain.test/one", "-f"],
    &["http://me:pass@127.0.0.1:PLAINPORT/"], &["http://me@127.0.0.1:PLAINPORT/"], &["http://m%40e:p%3aq@127.0.0.1:PLAINPORT/"],
    &["127.0.0.1:PLAINPORT/no-scheme"], &["HTTP://127.0.0.1:PLAINPORT/upper"], &["ftp://127.0.0.1:1/"], &["--", "-X", P], &["-d", "a", "--get", "--no-get", P],
    &["http://plain.test/redirect/302"], &["https://tls.test/"], &["-d", "@../f/no-such-file", P], &["-H", "no colon", P], &[P, "\n--header", "A: b"], &["--json", "1", "-G", P], &[],
    &["http://plain.test/cookies", "http://plain.test/after-cookies"], &["http://plain.test/auth/basic"], &["-u", "me:pass", "http://plain.test/auth/basic"],
    &["-L", "--max-redirs", "-1", "http://plain.test/redirect/302"], &["-L", "--max-redirs", "-1", "http://plain.test/loop-long"],
    &["--connect-to", "::127.0.0.1:PLAINPORT", "http://anything.test/"],
    &["https://tls.test/?key=<key>", "-k"],
    &["-C", "4", "-o", "not-there", P],
    &["-A", "", "-x", "http://proxy.test", "-k", "https://tls.test/"],
    &["-i", "-f", "--retry", "1", "--retry-all-errors", "--retry-delay", "1", "-o", "out", "http://plain.test/once/404"],
    &["-C", "-", "-T", "../f/lines", "-o", "part", "http://plain.test/"], &["-C", "4", "-o", "fresh", "http://plain.test/"],
    &["-C", "-", "-T", ".", P], &["-L", "-C", "4", "-T", "../f/lines", "http://plain.test/redirect/303"], &["-I", "-C", "4", "-o", "part", P],
    &["-L", "-r", "-2", "-d", "x", "http://plain.test/redirect/302"], &["-G", "-d", "a=b", "-r", "0-3", P], &["-I", "-J", "-O", "http://plain.test/named/x"],
    &["-C", "-", "-o", "part", "http://plain.test/range", P], &["--path-as-is", "-G", "-d", "x", "http://plain.test/a/../b"],
    &["--ntlm", "-u", "me:pass", "-J", "-O", "-d", "x", "http://plain.test/named/x"], &["--ntlm", "-u", "me:pass", "-k", "https://tls.test/auth/ntlm"],
    &["-L", "--max-filesize", "1", "http://plain.test/redirect/302"], &["--retry", "1", "--retry-delay", "1", "-T", ".", "http://plain.test/once/503"],
    &["-c", "-", "http://plain.test/cookies", "http://plain.test/one"], &["-i", "-x", "http://proxy.test", "-o", "no-folder/x", "-k", T],
    &["--cacert", "../f/mutual-ca.pem", T], &["-k", "-H", "X-Spaces:   padded  ", T],
    &["-I", "-X", "GET", "http://plain.test/one", "http://plain.test/two"], &["http://plain.test/one", "--next", "--resolve", "a.test:80:127.0.0.1", "http://plain.test/two"],
    &["-x", "http://proxy.test", "http://plain.test/one", "http://localhost:PLAINPORT/two"],
    &["-J", "-O", "-m", "2", "--digest", "-u", "me:pass", "-F", "a=b", "-k", "https://tls.test/named/x"],
    &["--socks5-hostname", "proxy.test", "--resolve", "named.test:PLAINPORT:127.0.0.1", "http://named.test:PLAINPORT/"],
    &["--etag-compare", "../f/etag", "http://plain.test/one", "http://plain.test/two"], &["--http2-prior-knowledge", P], &["-0", T, "-k"],
    &["--proto", "=https", "--tlsv1.2", "-sSf", T, "-k"], &["--proto-default", "http", "127.0.0.1:PLAINPORT/"],
    &["-m", "9", "--ignore-content-length", "http://plain.test/http10"], &["--retry", "1", "--retry-delay", "1", "-F", "in=@-", "http://plain.test/once/500"],
    &["https://tls.test/one", "https://tls.test/two", "-k"], &["https://tls.test/redirect/307", "-L", "-d", "x=y", "-k"], &["https://tls.test/cookies", "-k", "-i", "--http1.1"],
];

/// Where the other command lines go: the address and what it needs.
#[rustfmt::skip]
pub const TARGETS: &[&[&str]] = &[
    &[P], &["http://plain.test/path/to?q=1"], &["http://plain.test/status/404"], &["http://plain.test/status/500"], &["http://plain.test/redirect/302"],
    &["http://plain.test/redirect/307"], &["http://plain.test/json"], &["http://plain.test/chunked"], &["http://plain.test/cookies"],
    &["http://plain.test/none"], &["http://plain.test/{a,b}"], &["http://plain.test/one", "http://plain.test/two"], &["http://plain.test/until-close"],
    &[T, "-k"], &["https://tls.test/v1/items?x=y", "--cacert", "../f/ca.pem"], &["https://tls.test/redirect/303", "-k"], &["https://tls.test/json", "-k", "--http1.1"],
];
