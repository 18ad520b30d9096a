"""3D structures, generated or imaged: packing, coating, pressing, files, images, metrics."""
