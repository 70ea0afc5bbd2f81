/** Longest edge of a stored picture, pixels. */
const EDGE = 1280;

/** Reads a picture that the user chose, scaled down if it is large. */
export async function pictureOf(file: File): Promise<{ type: string; bytes: Uint8Array }> {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const scale = Math.min(1, EDGE / Math.max(image.naturalWidth, image.naturalHeight));
    if (scale === 1 && file.size < 500_000) {
      return { type: file.type, bytes: new Uint8Array(await file.arrayBuffer()) };
    }
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(image.naturalWidth * scale);
    canvas.height = Math.round(image.naturalHeight * scale);
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const scaled = await new Promise<globalThis.Blob | null>((resolve) =>
      canvas.toBlob(resolve, 'image/jpeg', 0.85),
    );
    if (scaled === null) {
      throw new Error('the picture cannot be scaled');
    }
    return { type: scaled.type, bytes: new Uint8Array(await scaled.arrayBuffer()) };
  } catch (error) {
    throw new Error(`${file.name} is no picture that this app can read`, { cause: error });
  } finally {
    URL.revokeObjectURL(url);
  }
}
