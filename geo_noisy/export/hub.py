"""Exported folders on a model hub."""

from pathlib import Path

from geo_noisy.errors import InputError


def push_folder(folder: Path, *, to: str, private: bool = True) -> str:
    """Upload an exported folder, with huggingface-hub's own login.

    Args:
        folder: The folder.
        to: Name of the repository, ``user/name``.
        private: Whether a repository that is made now is private.

    Returns:
        Its address.

    Raises:
        InputError: If the hub refuses, in its words.
    """
    from huggingface_hub import HfApi  # takes seconds to import, and is only needed when asked for
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    # What its library of HTTP raises; releases differ in which that is.
    refusals: tuple[type[Exception], ...] = (*HfHubHTTPError.__bases__, HFValidationError, OSError)
    api = HfApi()
    try:
        address = api.create_repo(to, private=private, exist_ok=True)
        api.upload_folder(repo_id=to, folder_path=folder, commit_message='Export of geo-noisy')
    except refusals as error:
        raise InputError(f'{folder} was written, but could not be pushed to {to}: {error}') from error
    return str(address)
