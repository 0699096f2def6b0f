"""Pages people look at: one HTML file each, whole without a network, made of plain values."""
