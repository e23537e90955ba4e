"""Runs the converter of MNN: what it prints, and where it crashes, stays within this process.

The converter is called as the extension module that it is. The command ``mnnconvert`` and the
package ``MNN.tools`` do the same, but when they are imported they install a logging client by pip,
and they report each conversion to a server.

    python convert_to_mnn.py -f ONNX --modelFile IN.onnx --MNNModel OUT.mnn
"""

import importlib
import sys

if __name__ == '__main__':
    converter = importlib.import_module('_tools')
    sys.exit(0 if converter.mnnconvert(sys.argv) else 1)
