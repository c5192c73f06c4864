"""What any page stands on, and which knows no result: jobs, figures, forms, the player, viewers, the gate."""
