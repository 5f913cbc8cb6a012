#!/usr/bin/env bash
# Where @grpc/proto-loader and @bufbuild/protobuf meet: the descriptors that the one gives are refused by the other.
#
# Versions:    @grpc/proto-loader 0.8.1, @bufbuild/protobuf 2.17.0.
# Behaviour:   proto-loader's `fileDescriptorProtos` name the types of fields and methods as the .proto file writes them,
#              "Claim" and not ".a.v1.Claim". protobuf-es' `createFileRegistry` looks up whole names only.
# Output seen: invalid FieldDescriptorProto: type_name Claim not found
# Expected:    descriptor.proto says of FieldDescriptorProto.type_name: "If the name starts with a '.', it is
#              fully-qualified. Otherwise, C++-like scoping rules are used to find the type". A reader of descriptors has
#              to resolve both; protoc itself only writes the first, so that few readers meet the second.
# So:          whoever feeds descriptors from proto-loader to protobuf-es completes the names first.
#
# Fails if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @grpc/proto-loader@0.8.1 @bufbuild/protobuf@2.17.0
cat > a.proto <<'PROTO'
syntax = "proto3";
package a.v1;
message Claim { string id = 1; }
message Receipt { Claim claim = 1; }
PROTO
cat > try.mjs <<'JS'
import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import loader from "@grpc/proto-loader";
const described = loader.loadSync("a.proto", { includeDirs: ["."] });
const file = fromBinary(FileDescriptorProtoSchema, described["a.v1.Receipt"].fileDescriptorProtos[0]);
const [field] = file.messageType.find((message) => message.name === "Receipt").field;
console.log(`type_name: ${field.typeName}`);
const registry = () => createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
try {
  registry();
  console.log("accepted");
} catch (error) {
  console.log(`refused: ${error.message}`);
}
field.typeName = ".a.v1.Claim";
console.log(`completed: ${registry().getMessage("a.v1.Receipt").fields[0].message.typeName}`);
JS
said=$(node try.mjs)
echo "$said"
[ "$said" = "type_name: Claim
refused: invalid FieldDescriptorProto: type_name Claim not found
completed: a.v1.Claim" ] || { echo "this has changed" >&2; exit 1; }
