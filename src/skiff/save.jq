# The documents of an image archive. In: one object an image, {id, manifest (a digest), size,
# document (the manifest itself), names}. --arg part index: index.json; docker: manifest.json.

def blob: "blobs/sha256/" + ltrimstr("sha256:");

if $part == "index" then
	{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [.[]
		| {mediaType: (.document.mediaType // "application/vnd.oci.image.manifest.v1+json"), digest: .manifest, size: .size} as $descriptor
		| if .names == [] then $descriptor else .names[] | $descriptor + {annotations: {
			"io.containerd.image.name": .full, "org.opencontainers.image.ref.name": .reference}} end]}
else
	[.[] | {Config: (.document.config.digest | blob),
		RepoTags: (if .names == [] then null else [.names[].short] end),
		Layers: [.document.layers[].digest | blob]}]
end
