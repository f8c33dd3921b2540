"""What people send to prove a point: photos, PDFs and texts, made harmless before they are kept."""
