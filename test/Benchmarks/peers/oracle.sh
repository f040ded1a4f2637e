#!/usr/bin/env bash
# Makes what OnnxRuntimeOracleTests compares with: a QDQ network, ONNX Runtime's values of every activation, under artifacts/peers/oracle.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$here/../../../artifacts/peers/oracle
[ -f "$out/done" ] && exit 0
mkdir -p "$out"
python=/usr/bin/python3
[ -x $python ] || python=python3
$python "$here/make_models.py" "$out" vggsmall
$python "$here/oracle.py" "$out/vggsmall.u8s8.onnx" "$out"
node "$here/ort-run.mjs" "$out/oracle.onnx" --out "$out/values" --in "x=$out/x.npy" --threads 1
rm -f "$out/vggsmall.onnx" "$out/vggsmall.s8s8.onnx"
touch "$out/done"
