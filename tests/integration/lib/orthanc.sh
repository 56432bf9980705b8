# shellcheck shell=bash disable=SC2154 # work is of harness.sh
# Orthanc as a peer. Source it behind harness.sh.

# start_orthanc CASSETTE-PORT [JSON]: runs Orthanc on free ports, as AE title ORTHANC, with a modality "cassette" that is
# CASSETTE at that port of the loopback; JSON are further members of its configuration, such as '"StorageCommitmentX": 1,'.
# Sets orthanc_port and orthanc_http.
start_orthanc() {
  need Orthanc curl jq
  mkdir -p "$work/orthanc"
  orthanc_port=${orthanc_port:-$(free_port)} orthanc_http=$(free_port)
  cat >"$work/orthanc/orthanc.json" <<END
{ "Name": "peer", "StorageDirectory": "$work/orthanc", "IndexDirectory": "$work/orthanc", "SyncStorageArea": false, "Plugins": [],
  "DicomAet": "ORTHANC", "DicomPort": $orthanc_port, "HttpPort": $orthanc_http, "RemoteAccessAllowed": false, "AuthenticationEnabled": false,
  "DicomAlwaysAllowStore": true, "DicomAlwaysAllowEcho": true, "DicomCheckCalledAet": false, "UnknownSopClassAccepted": true, ${2:-}
  "DicomModalities": { "cassette": { "AET": "CASSETTE", "Host": "127.0.0.1", "Port": $1, "AllowStorageCommitment": true } } }
END
  start_program orthanc.log Orthanc "$work/orthanc/orthanc.json"
  wait_until 60 orthanc /system || fail "Orthanc does not answer"
}

# orthanc PATH [JSON]: what its REST API answers to a GET, or to a POST of JSON. Fails as the request does.
orthanc() {
  local post=()
  [ $# -lt 2 ] || post=(-d "$2")
  curl --fail --silent --show-error --noproxy '*' "${post[@]}" "http://127.0.0.1:$orthanc_http$1"
}
