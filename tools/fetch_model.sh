#!/bin/sh
# fetch_model.sh: download a pretrained BERT, or a Marian translator, from the Hugging Face hub into a directory that
# `--model` takes.
#
#   tools/fetch_model.sh NAME [DIR] [--revision REV]
#
#   NAME             as the hub shows it: google-bert/bert-base-uncased, or an old bare name: bert-base-uncased
#   DIR              where to; models/NAME if not given
#   --revision REV   a branch, a tag or a commit; main if not given. refs/pr/7 is what pull request 7 proposes
#
# Fetches config.json, model.safetensors, a vocabulary (vocab.txt or tokenizer.json; of a translator vocab.json,
# source.spm and target.spm) and, where they exist, the other files of a tokenizer. A file gets its name when it is whole and is what it should be; until then it is FILE.part,
# which the next run continues. A file that is there with the server's size (a model: and sha256) is kept, so a second
# run downloads nothing, and another revision belongs in another DIR.
#
#   HF_TOKEN         for private and gated models, from https://huggingface.co/settings/tokens; only the hub sees it
#   HF_ENDPOINT      another server with the same paths; https://huggingface.co if not set
#
# Exit status: 0 all is there, 1 it failed and one line says why, 2 wrong usage.
set -eu
export LC_ALL=C
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
usage() { printf 'error: %s; --help explains\n' "$*" >&2; exit 2; }

# ---- the command line ------------------------------------------------------------------------------------------------
name='' dir='' revision=main
operand() {
  if [ -z "$name" ]; then name=$1; elif [ -z "$dir" ]; then dir=$1; else usage "one argument too many: '$1'"; fi
}
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p;}' "$0"; exit ;;
    --revision) [ $# -gt 1 ] || usage "$1 needs a value"; revision=$2; shift ;;
    --revision=*) revision=${1#*=} ;;
    --) shift; for argument; do operand "$argument"; done; break ;;
    -*) usage "there is no option $1" ;;
    *) operand "$1" ;;
  esac
  shift
done
endpoint=${HF_ENDPOINT:-https://huggingface.co} token=${HF_TOKEN:-}
endpoint=${endpoint%/}
case $name in
  '') usage 'which model? NAME is missing' ;;
  */*/* | /* | */ | .* | */.* | *..* | *[!A-Za-z0-9._/-]*)
    usage "'$name' is not a NAME like google-bert/bert-base-uncased or bert-base-uncased" ;;
esac
case $revision in '' | *..* | *[!A-Za-z0-9._/-]*) usage "'$revision' is not a revision" ;; esac
case $endpoint in http://?* | https://?*) ;; *) usage "HF_ENDPOINT '$endpoint' does not begin with https://" ;; esac
case $token in *[![:graph:]]*) usage 'HF_TOKEN holds a space or another character that no token has' ;; esac
case $dir in '') dir=models/$name ;; -*) dir=./$dir ;; esac
command -v curl >/dev/null || fail 'curl is missing: apt-get install curl'

# ---- the server ------------------------------------------------------------------------------------------------------
rest=${endpoint#*://}
origin=${endpoint%%://*}://${rest%%/*}  # scheme, host and port: the token goes there and nowhere else
files=$endpoint/$name/resolve/$(printf %s "$revision" | sed 's,/,%2F,g')
case $endpoint in https:*) protocols='=https' ;; *) protocols='=http,https' ;; esac  # no way down from https
if [ -t 2 ]; then bar=--progress-bar; else bar='--silent --show-error'; fi

quoted() { printf %s "$1" | sed 's/[\\"]/\\&/g'; }
# request URL ARGUMENT...: curl. Address and token reach it by its input: a command line is seen by everybody, and the
# address that the hub redirects to is a key of its own. Who gets the token is decided here and not left to curl, whose
# rules for redirects changed with its versions; so `look` follows them step by step.
request() {
  to=$1
  shift
  {
    printf 'url = "%s"\n' "$(quoted "$to")"
    case $to in
      "$origin"/*) [ -z "$token" ] || printf 'oauth2-bearer = "%s"\n' "$(quoted "$token")" ;;
    esac
  } | curl --config - --globoff --proto "$protocols" --header 'Accept-Encoding: identity' \
    --connect-timeout 30 --speed-limit 1 --speed-time 60 "$@"
}

# look FILE: asks for a file without fetching it. Sets $status, and when that is 200 where it is and what: $address,
# $size and $hash (sha256, or - where the server names none). The hub answers for a large file with its size, its hash
# and a redirect to a host that may refuse the question: it need not be asked.
look() {
  address=$files/$1 size=- hash=-
  for _ in 1 2 3 4 5; do
    answer=$(request "$address" --silent --head \
      --write-out '\nx-status: %{http_code}\nx-next: %{redirect_url}\nx-problem: %{errormsg}\n') ||
      fail "$address: $(printf %s "$answer" | sed -n 's/^x-problem: //p')"
    read -r status next linked etag length <<FIELDS
$(printf '%s\n' "$answer" | tr -d '\r' | awk '
    { at = index($0, ":"); key = tolower(substr($0, 1, at)); sub(/^[^:]*: */, ""); field[key] = $0 }
    END {
      n = split("x-status: x-next: x-linked-size: x-linked-etag: content-length:", name, " ")
      for (i = 1; i <= n; ++i) printf "%s ", field[name[i]] == "" ? "-" : field[name[i]]
    }')
FIELDS
    [ "$size" != - ] || size=$linked
    etag=${etag#\"}
    etag=${etag%\"}
    case $etag in *[!0-9a-f]*) ;; *) [ ${#etag} != 64 ] || hash=$etag ;; esac
    case $status:$next in *:-) break ;; 3*) address=$next ;; *) break ;; esac
    case $address in "$origin"/*) ;; *) [ "$size" = - ] || status=200 ;; esac
    [ "$status" != 200 ] || break
  done
  case $status:$address in
    200:*) ;;
    404:*) return ;;
    401:"$origin"/*)
      [ -z "$token" ] || fail "$name: the server does not accept HF_TOKEN (401): is it mistyped or expired?"
      fail "$name: no such model, or a private or gated one (401): check the name, or set HF_TOKEN" ;;
    403:"$origin"/*)
      fail "$name: gated (403): accept its conditions at $endpoint/$name and set HF_TOKEN to your token" ;;
    *) fail "$1: the server answers with status $status" ;;
  esac
  [ "$size" != - ] || size=$length
  case $size in *[!0-9]* | ????????????????*) fail "$1: the server does not say how many bytes it has" ;; esac
}

# ---- what a file must be ---------------------------------------------------------------------------------------------
size_of() { if [ -f "$1" ]; then wc -c <"$1" | tr -d ' '; else echo 0; fi; }
hashed() { [ "$hash" = - ] || sha256sum <"$1" | grep -q "^$hash"; }
wrong() {  # a file with all its bytes that are not right: there is nothing to continue
  rm -f "$part"
  fail "$file from the server $*; it was not kept"
}

# tokens <JSON: one a line. A string keeps its first quote, so that nothing else looks like it.
tokens() {
  awk -v RS='"' '
    string {
      text = text $0
      string = text ~ /(^|[^\\])(\\\\)*\\$/  # after an odd number of backslashes a quote does not end it
      if (string) text = text "\""; else print text
      next
    }
    {
      gsub(/[][{}:,]/, "\n&\n")
      n = split($0, token, /[ \t\r\n]+/)
      for (i = 1; i <= n; ++i) if (token[i] != "") print token[i]
      text = "\""
      string = 1
    }'
}

# keys <JSON: those of the outermost object; fails where this is not an object in proper JSON.
keys() {
  tokens | awk '
    BEGIN { want = "{" }  # the kinds of tokens that may come: s is a string, v a number, true, false or null
    { kind = /^[][{}:,]$/ ? $0 : /^"/ ? "s" : "?" }
    /^(true|false|null|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)$/ { kind = "v" }
    !index(want, kind) { want = "?"; exit }
    kind == "s" && want !~ /v/ { if (open == "{") print substr($0, 2); want = ":"; next }
    kind == ":" { want = "[{sv"; next }
    kind == "," { want = open ~ /[{]$/ ? "s" : "[{sv"; next }
    kind == "{" { open = open kind; want = "s}"; next }
    kind == "[" { open = open kind; want = "[{sv]"; next }
    kind ~ /[]}]/ { open = substr(open, 1, length(open) - 1) }
    { want = open == "" ? "" : open ~ /[{]$/ ? ",}" : ",]" }
    END { exit want != "" }'
}

# A safetensors file: 8 bytes that say how long the header is, the header, and exactly the data that it describes.
header() { head -c $((8 + length)) "$part" | tail -c +9; }
check_model() {
  length=$(od -An -tu1 -N8 "$part" | awk '{ for (i = 8; i > 0; --i) n = 256 * n + $i; printf "%.0f", n }')
  [ "$length" -le $((size - 8)) ] 2>/dev/null || wrong 'is not safetensors, or truncated: its header does not fit in'
  header | keys >/dev/null || wrong 'is not safetensors: its header is not a JSON object'
  data=$(header | tokens |
    awk '/^"data_offsets$/ { at = NR + 5 } NR == at && $0 + 0 > end + 0 { end = $0 } END { print end }')
  [ -n "$data" ] || wrong 'holds no tensors'
  [ "$data" = $((size - 8 - length)) ] ||
    wrong "is truncated or damaged: its tensors need $data bytes of data, it has $((size - 8 - length))"
}

check() {  # a server that wants a login, and one with git but without its large files, answer with something else
  case $(head -c 200 "$part" | tr -d '\0' | tr -s '[:space:]' ' ' | tr '[:upper:]' '[:lower:]') in
    '<!doctype'* | ' <!doctype'* | '<html'* | ' <html'* | '<?xml'*) wrong 'is an HTML page' ;;
    'version https://git-lfs'*) wrong 'is a git-lfs pointer, not the file that it points to' ;;
  esac
  case $file in
    *.json)
      found=$(keys <"$part") || wrong 'is not a JSON object'
      [ "$file" != config.json ] || printf '%s\n' "$found" | grep -qx model_type || wrong 'has no "model_type"' ;;
    *.spm) grep -aq '<unk>' "$part" || wrong 'is not a SentencePiece model: it has no <unk>' ;;
    *.txt) grep -q '[^[:space:]]' "$part" || wrong 'is empty' ;;
    *) check_model ;;
  esac
}

# ---- what there is, before anything is written -----------------------------------------------------------------------
plan=''
add() {  # add FILE to the plan; fails if the server does not have it
  look "$1"
  [ "$status" = 200 ] && plan="$plan$1 $size $hash $address
"
}
add config.json || fail "$name: no such model, or no config.json at revision $revision (404): see $endpoint/$name"
vocabulary=''
for file in vocab.txt tokenizer.json; do if add $file; then vocabulary=$file; fi; done
lower_case=''
if [ -z "$vocabulary" ]; then
  add source.spm || fail "$name: has neither vocab.txt nor tokenizer.json at revision $revision"
  for file in target.spm vocab.json; do add $file || fail "$name: has source.spm, yet no $file at revision $revision"; done
  add generation_config.json || :
  vocabulary=source.spm
fi
add tokenizer_config.json || [ "$vocabulary" = source.spm ] || lower_case=1
add special_tokens_map.json || :
if ! add model.safetensors; then  # planned last: by then the small files have shown that the download works
  look pytorch_model.bin
  [ "$status" = 200 ] || fail "$name: has no model.safetensors at revision $revision"
  fail "$name: has no model.safetensors at revision $revision, only pytorch_model.bin: convert it with" \
    'https://huggingface.co/spaces/safetensors/convert, which opens a pull request N, and fetch --revision refs/pr/N;' \
    'or look for a revision that has it'
fi

# ---- the download ----------------------------------------------------------------------------------------------------
# download: the rest of $part. A transfer that breaks goes on as long as every attempt brings something.
download() {
  before=-1 resume='--continue-at -'
  : >>"$part"
  while have=$(size_of "$part") && [ "$have" -lt "$size" ]; do
    [ "$have" -gt "$before" ] || fail "$file: stopped at $have of $size bytes; run this again to continue"
    before=$have
    # shellcheck disable=SC2086  # words
    request "$address" --fail --location --max-redirs 5 $bar $resume --output "$part" && continue
    [ $? != 33 ] || before=-1 resume=''  # a server that only gives whole files
  done
}

while read -r file size hash address; do
  path=$dir/$file part=$dir/$file.part kept=''
  if [ -f "$path" ] && [ "$(size_of "$path")" = "$size" ] && hashed "$path"; then
    kept=', kept'
  else
    mkdir -p "$dir"
    [ "$(size_of "$part")" -le "$size" ] || rm -f "$part"
    download
    have=$(size_of "$part")
    [ "$have" = "$size" ] || wrong "has $have bytes instead of $size"
    check
    hashed "$part" || wrong 'does not have the sha256 that the server names: run this again to start over'
    mv -f "$part" "$path"
  fi
  printf '%-24s %12s bytes%s\n' "$file" "$size" "$kept"
done <<END
${plan%?}
END
[ -z "$lower_case" ] || echo 'warning: there is no tokenizer_config.json: texts will be lower-cased' >&2
printf 'done: --model %s\n' "$dir"
