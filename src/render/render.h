// `minato render`: the file as Terraform and Kubernetes manifests for EKS.
//
// A pure function of the file: the same spec gives the same bytes, so that rendering again shows
// nothing but what changed. What cannot stand on EKS (a local image, a health check shorter than
// AWS knows) is refused before anything is rendered.
// Rules: eks-rendering checklist (V, C, L, A, T, D, H, M, I, E, W); ids are those of src/lint.
#pragma once

#include "cloud/catalogue_file.h"
#include "render/files.h"
#include "spec/spec.h"

namespace minato::render {

// Errors: Invalid with one cause per problem; each names the key and what to write instead.
Result<Files> render(const spec::Spec& spec, const cloud::Catalogue& catalogue);

}  // namespace minato::render
